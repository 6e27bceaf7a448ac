import { createHash, timingSafeEqual } from 'node:crypto';
import { hostName, isOwnHost } from '../lib/host-header.ts';
import { isLoopback } from '../lib/loopback.ts';

/**
 * Who may come in. A load tester is a weapon in the wrong hands, and a web page can post to loopback too: so besides the
 * token, the Host must be one of ours (DNS rebinding), an Origin must be our own (cross-site posts), and a plan must come with
 * a content type that a page cannot send without asking first.
 */
export type Refusal = { readonly status: 401 | 403 | 415; readonly message: string } | null;

export const planContentTypes = [
  'application/yaml',
  'application/x-yaml',
  'text/yaml',
  'text/x-yaml',
  'application/vnd.yaml',
];

/**
 * Compares digests, so neither the content nor the length of the token shows in the time it takes. The scheme may be written in
 * any case (RFC 9110 section 11.1).
 */
export function checkToken(authorization: string | undefined, token: string | null): Refusal {
  if (token === null) return null;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const given = /^bearer +(.*)$/i.exec(authorization ?? '')?.[1];
  if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return null;
  const what = authorization === undefined ? 'is missing' : 'does not match';
  return { status: 401, message: `the Authorization header ${what}; send "Authorization: Bearer <API_AUTH_TOKEN>"` };
}

export function checkHost(hostHeader: string | undefined, ownNames: ReadonlySet<string>): Refusal {
  if (isOwnHost(hostHeader, ownNames)) return null;
  return {
    status: 403,
    message: `the Host '${hostName(hostHeader ?? '')}' is not a name of this node; use its address, or list the name in API_HOST_NAMES`,
  };
}

export function checkOrigin(origin: string | undefined, hostHeader: string | undefined): Refusal {
  if (origin === undefined || origin === `http://${hostHeader ?? ''}`) return null;
  return { status: 403, message: `requests from the web page ${origin} are refused` };
}

export function checkPlanContentType(contentType: string | undefined): Refusal {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase();
  if (planContentTypes.includes(type)) return null;
  return { status: 415, message: `send the plan with "Content-Type: application/yaml" (got '${type || 'none'}')` };
}

/** Why the API may not listen there; null: it may. */
export function apiDoorProblem(options: {
  readonly host: string;
  readonly token: string | null;
  readonly insecure: boolean;
}): string | null {
  if (isLoopback(options.host) || options.token !== null || options.insecure) return null;
  return (
    `CLUSTER_HEALTH_ADDR: ${options.host} is not loopback, and whoever reaches it could start a load test. ` +
    'Set API_AUTH_TOKEN or API_AUTH_TOKEN_FILE, or CLUSTER_INSECURE=true to allow it without'
  );
}
