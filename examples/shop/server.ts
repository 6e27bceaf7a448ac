import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';

/**
 * The demo's target: a small shop with the endpoints a load test meets in life. Fast (/products), by id (/products/p-1),
 * slow (/search), behind a login (/login, /cart), failing now and then (/checkout). Keeps nothing on disk.
 *
 *   node examples/shop/server.ts [host:port]     (127.0.0.1:18080 unless given)
 */
const products = Array.from({ length: 50 }, (_, index) => ({
  id: `p-${index + 1}`,
  name: `Product ${index + 1}`,
  price: 5 + ((index * 7) % 40) + 0.5,
}));
const productsById = new Map(products.map((product) => [product.id, product]));
/** Newest tokens and carts only: a soak must not grow this process. */
const maxKept = 10_000;
const tokens = new Set<string>();
const carts = new Set<string>();
const maxBodyBytes = 64 * 1024;
/** Out of a hundred checkouts. */
const unavailablePercent = 2;
const brokenPercent = 1;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly delayMs?: number;
}

function answer(method: string, url: URL, authorization: string | undefined, body: unknown): Answer {
  const route = `${method} ${url.pathname}`;
  if (route === 'GET /health') return { status: 200, body: { status: 'ok' } };
  if (route === 'GET /products') return { status: 200, body: { items: products.slice(0, limitOf(url)) } };
  if (route === 'GET /search')
    return { status: 200, body: { items: search(url.searchParams.get('q') ?? '') }, delayMs: 20 + Math.random() * 60 };
  if (method === 'GET' && url.pathname.startsWith('/products/')) {
    const product = productsById.get(url.pathname.slice('/products/'.length));
    return product ? { status: 200, body: product } : { status: 404, body: { error: 'no such product' } };
  }
  if (route === 'POST /login') {
    if (!has(body, 'user') || !has(body, 'password'))
      return { status: 400, body: { error: 'user and password are needed' } };
    return { status: 200, body: { token: keep(tokens) }, delayMs: 5 };
  }
  if (route === 'POST /cart' || route === 'POST /checkout') {
    if (!tokens.has(authorization?.replace(/^Bearer /, '') ?? ''))
      return { status: 401, body: { error: 'log in first' } };
    return route === 'POST /cart' ? addToCart(body) : checkOut(body);
  }
  return { status: 404, body: { error: `nothing at ${route}` } };
}

function addToCart(body: unknown): Answer {
  if (!has(body, 'productId')) return { status: 400, body: { error: 'productId is needed' } };
  return { status: 201, body: { cartId: keep(carts) } };
}

function checkOut(body: unknown): Answer {
  if (!has(body, 'cartId') || !carts.has(String(body.cartId))) return { status: 400, body: { error: 'no such cart' } };
  const luck = Math.random() * 100;
  if (luck < brokenPercent) return { status: 500, body: { error: 'something broke' } };
  if (luck < brokenPercent + unavailablePercent) return { status: 503, body: { error: 'payment is busy' } };
  return { status: 201, body: { orderId: randomUUID() }, delayMs: 10 };
}

const limitOf = (url: URL): number => Math.min(50, Math.max(1, Number(url.searchParams.get('limit') ?? 10) || 10));
const search = (text: string): unknown[] =>
  products.filter((product) => product.name.toLowerCase().includes(text.toLowerCase())).slice(0, 10);

function has<Key extends string>(body: unknown, key: Key): body is Record<Key, unknown> {
  return typeof body === 'object' && body !== null && key in body;
}

function keep(kept: Set<string>): string {
  const id = randomUUID();
  kept.add(id);
  if (kept.size > maxKept) kept.delete(kept.values().next().value!);
  return id;
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return send(response, { status: 413, body: { error: 'body too large' } });
    chunks.push(chunk);
  }
  const url = new URL(request.url ?? '/', 'http://shop');
  const result = answer(
    request.method ?? 'GET',
    url,
    request.headers.authorization,
    parseJson(Buffer.concat(chunks).toString()),
  );
  if (result.delayMs === undefined) send(response, result);
  else setTimeout(() => send(response, result), result.delayMs);
}

function parseJson(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the handlers answer 400 because the fields they need are missing.
    return null;
  }
}

function send(response: ServerResponse, result: Answer): void {
  const text = JSON.stringify(result.body);
  response.writeHead(result.status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const [host, port] = (process.argv[2] ?? '127.0.0.1:18080').split(':');
const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    // The client went away in mid-body; there is nobody to answer.
    response.destroy(error instanceof Error ? error : undefined);
  });
});
server.on('error', (error) => {
  console.error(`shop: ${error.message}`);
  process.exit(1);
});
server.listen(Number(port), host, () => {
  const address = server.address();
  console.log(`shop: listening on http://${host}:${typeof address === 'object' ? address?.port : port}`);
});
process.on('disconnect', () => process.exit(0));
