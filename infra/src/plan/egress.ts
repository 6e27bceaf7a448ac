import type { Plan, Step } from '../../../node/src/plan/plan.ts';
import { EGRESS_USD_PER_GB } from './prices.ts';

/** What a plan sends to its target. Of what comes back Google takes nothing. */
export interface Egress {
  /** Null: the plan does not fix a rate (model concurrent): as fast as the target answers. */
  readonly requestsPerSecond: number | null;
  /** Of one request with all that carries it, on average over the scenarios. */
  readonly bytesPerRequest: number;
  /** Of the whole plan, in GB (10^9 bytes). */
  readonly gb: number | null;
  readonly usd: number | null;
  readonly usdPerHour: number | null;
}

/** What stands in the log of a target for "GET": the line's own words, the host, and the two headers that every request has. */
const FIXED_BYTES = ' HTTP/1.1\r\n'.length + 'Host: \r\n\r\n'.length + 'content-length: 12345\r\n'.length + 40;
/** IPv4 and TCP with time stamps, for each packet. */
const PACKET_HEADER_BYTES = 52;
const PACKET_PAYLOAD_BYTES = 1448;
/** Acknowledgements of an answer of some packets: one for two. */
const ANSWER_ACKS = 2;
/** TLS 1.3: header, content type and tag of a record. */
const TLS_BYTES = 22;

/**
 * What the plan sends in all, estimated from its text: every step of every iteration, on connections that are kept. An iteration that fails
 * half-way sends less; connections made anew send more (with TLS one to two kilobytes each). Pure.
 */
export function egressOf(plan: Plan): Egress {
  const isTls = plan.baseUrl.startsWith('https:');
  const common = plan.headers.reduce((sum, { name, value }) => sum + headerBytes(name, value), 0);
  const host = URL.parse(plan.baseUrl)?.host.length ?? 0;
  const weights = plan.scenarios.reduce((sum, { weight }) => sum + weight, 0);
  let requestsPerIteration = 0;
  let bytesPerIteration = 0;
  for (const { weight, steps } of plan.scenarios) {
    requestsPerIteration += (weight / weights) * steps.length;
    const bytes = steps.reduce((sum, step) => sum + onTheWire(stepBytes(step) + common + host, isTls), 0);
    bytesPerIteration += (weight / weights) * bytes;
  }
  const bytesPerRequest = Math.round(bytesPerIteration / requestsPerIteration);
  if (plan.load.model !== 'rps')
    return { requestsPerSecond: null, bytesPerRequest, gb: null, usd: null, usdPerHour: null };
  const { ratePerSecond } = plan.load;
  const gbPerSecond = (ratePerSecond * bytesPerIteration) / 1e9;
  return {
    requestsPerSecond: ratePerSecond * requestsPerIteration,
    bytesPerRequest,
    gb: gbPerSecond * (plan.durationMs / 1000),
    usd: gbPerSecond * (plan.durationMs / 1000) * EGRESS_USD_PER_GB,
    usdPerHour: gbPerSecond * 3600 * EGRESS_USD_PER_GB,
  };
}

/** "the plan sends about 1.2 GB (0.14 USD): 300 requests/s of about 412 bytes" */
export function describeEgress({ bytesPerRequest, gb, requestsPerSecond, usd, usdPerHour }: Egress): string {
  if (gb === null || usd === null || usdPerHour === null || requestsPerSecond === null)
    return `the plan fixes no rate, so what it sends is not known: about ${bytesPerRequest} bytes for each request`;
  const dollars = (sum: number): string => (sum < 0.01 ? 'less than 0.01 USD' : `about ${sum.toFixed(2)} USD`);
  const size = gb < 0.1 ? `${(gb * 1000).toFixed(1)} MB` : `${gb.toFixed(1)} GB`;
  return (
    `the plan sends about ${size} (${dollars(usd)}, ${dollars(usdPerHour)} for each hour): ` +
    `${Math.round(requestsPerSecond)} requests/s of about ${bytesPerRequest} bytes`
  );
}

function onTheWire(bytes: number, isTls: boolean): number {
  const sent = bytes + (isTls ? TLS_BYTES : 0);
  return sent + (Math.ceil(sent / PACKET_PAYLOAD_BYTES) + ANSWER_ACKS) * PACKET_HEADER_BYTES;
}

function stepBytes({ method, path, queryParams, headers, body, bodyBytes }: Step): number {
  const query = queryParams.reduce((sum, { name, value }) => sum + name.length + value.length + 2, 0);
  const own = headers.reduce((sum, { name, value }) => sum + headerBytes(name, value), 0);
  const content = bodyBytes ?? (body === null ? 0 : new TextEncoder().encode(body).length);
  return method.length + 1 + path.length + query + own + content + FIXED_BYTES;
}

const headerBytes = (name: string, value: string): number => name.length + value.length + 4;
