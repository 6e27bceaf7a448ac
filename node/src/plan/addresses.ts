import { planLimits } from './limits.ts';
import type { Plan } from './plan.ts';
import { scanTemplate } from './template.ts';
import { clip, type Parsed } from './units.ts';

/**
 * `host:address:port`: requests to that host connect to this address and port. An IPv6 address stands in brackets, which
 * the Rust tool cannot express (rust-loadtest.md 1.3).
 */
export function parseResolveTarget(text: string): Parsed<NonNullable<Plan['resolve']>> {
  const form = 'write host:address:port, for example shop.example:10.0.0.7:8443 or shop.example:[fd00::7]:8443';
  const match = /^([^:[\]\s]+):(?:\[([^[\]\s]+)\]|([^:[\]\s]+)):(\d+)$/.exec(text.trim());
  if (match === null) return { ok: false, message: `"${clip(text)}" is not of that form; ${form}` };
  const [, host, ipv6, ipv4, portText] = match;
  const address = ipv6 ?? ipv4!;
  if (ipv6 === undefined ? !isIpv4(address) : !isIpv6(address)) {
    return { ok: false, message: `"${clip(address)}" is no IP address; ${form}` };
  }
  const message = portFault(portText!);
  if (message !== null) return { ok: false, message };
  return { ok: true, value: { host: host!.toLowerCase(), address, port: Number(portText) } };
}

function portFault(digits: string): string | null {
  const port = Number(digits);
  return port >= 1 && port <= 65_535 ? null : `port ${clip(digits)} is out of range; use 1 to 65535`;
}

/** Why a text cannot be the URL all paths are joined to, or null. */
export function baseUrlFault(text: string): string | null {
  const example = 'write for example "https://shop.example"';
  if (text.includes('${')) return `variables have no place in baseUrl; ${example}, and the variable into the path`;
  const fault = absoluteUrlFault(text);
  if (fault !== null) return `${fault}; ${example}`;
  if (/[?#]/.test(text)) return `"${clip(text)}" has a query or fragment; move it to path or queryParams`;
  return null;
}

/** Why a template cannot be the path (or whole URL) of a request, or null. What variables stand for is not known here. */
export function pathFault(template: string): string | null {
  if (template.length > planLimits.pathLength) return `is longer than ${planLimits.pathLength} characters; shorten it`;
  const { parts } = scanTemplate(template);
  const text = parts.map((part) => (typeof part === 'string' ? part : '1')).join('');
  if (/[\s\p{Cc}\p{Cs}]/u.test(text))
    return 'has blanks, line breaks or control characters in it; write %20 for a blank';
  if (text.includes('#')) return 'has a fragment, which no client ever sends; write %23 for a literal #';
  if (/^https?:\/\//i.test(text)) return absoluteUrlFault(text);
  return null;
}

function absoluteUrlFault(text: string): string | null {
  if (!/^https?:\/\//i.test(text)) return `"${clip(text)}" does not start with http:// or https://`;
  if (/[\s\p{Cc}\p{Cs}]/u.test(text)) return `"${clip(text)}" has a blank or control character in it`;
  const [, portText] = /^https?:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(text) ?? [];
  const fault = portText === undefined ? null : portFault(portText);
  if (fault !== null) return fault;
  if (!URL.canParse(text)) return `"${clip(text)}" is not a URL`;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return `"${url.protocol}//${url.host}" comes with a user or password in it, which belong into an Authorization header`;
  }
  return null;
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(text: string): boolean {
  return text.includes(':') && URL.canParse(`http://[${text}]/`);
}
