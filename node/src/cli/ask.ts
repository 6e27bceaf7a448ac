import { type ErrorCode, errorCodes, TuttiError } from '../lib/errors.ts';

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** What each answer of tutti has: a foreign server may answer 200 and JSON as well. */
const markOf: Readonly<Record<string, string>> = {
  '/health/cluster': 'node_id',
  '/run': 'runId',
  '/result': 'books',
  '/config': 'run_id',
  '/reload': 'run_id',
  '/stop': 'run_id',
};

/** How a connection ends that stood: the question may have arrived. */
const wasSent: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * One question to one node. Rejects with the error that the node answers; with TIMEOUT where nothing whole came within the
 * time, PEER_UNREACHABLE where nobody answers, or nobody of tutti, and OUTCOME_UNKNOWN where a change may have been heard.
 * `noLonger` ends the question of a caller who has lost interest.
 */
export async function ask(
  node: string,
  question: Question,
  timeoutMs: number,
  noLonger: AbortSignal | null = null,
): Promise<object> {
  const { status, text } = await exchange(node, question, timeoutMs, noLonger);
  const answer = jsonObject(text);
  const isError = status < 200 || status >= 300;
  const error = isError ? errorOf(status, answer) : null;
  if (error !== null) throw error;
  const mark = markOf[question.path.split('?')[0]!];
  if (isError || answer === null || (mark !== undefined && !(mark in answer))) {
    throw new TuttiError('PEER_UNREACHABLE', `answered ${status}, but not as a node of tutti does: is it one?`);
  }
  return answer;
}

async function exchange(
  node: string,
  { path, ...request }: Question,
  timeoutMs: number,
  noLonger: AbortSignal | null,
): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const inTime = AbortSignal.timeout(timeoutMs);
    const signal = noLonger === null ? inTime : AbortSignal.any([inTime, noLonger]);
    // Nodes do not redirect; whoever does must not be followed with a plan.
    const response = await fetch(new URL(path, node), { ...request, redirect: 'manual', signal });
    return { status: response.status, text: await response.text() };
  } catch (thrown) {
    const error = thrown as Error & { readonly cause?: { readonly code?: string; readonly message?: string } };
    if (error.name === 'TimeoutError') {
      throw new TuttiError('TIMEOUT', `no answer within ${(timeoutMs / 1000).toFixed(1)} s`, { cause: thrown });
    }
    const why = error.cause?.code ?? error.cause?.message ?? error.message;
    // fetch says `terminated` of an answer that ends before its end.
    const message = error.message === 'terminated' ? `cut its answer short (${why}): is it a node of tutti?` : why;
    const isUnknown = request.method === 'POST' && (wasSent.has(why) || error.message === 'terminated');
    throw new TuttiError(isUnknown ? 'OUTCOME_UNKNOWN' : 'PEER_UNREACHABLE', message, { cause: thrown });
  }
}

function jsonObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch (error) {
    // What is no JSON is no answer of tutti; any other error is one of ours.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The error of tutti in the answer, null: there is none in it. */
function errorOf(status: number, answer: object | null): TuttiError | null {
  const { error } = (answer ?? {}) as {
    readonly error?: { readonly code?: unknown; readonly message?: unknown } | null;
  };
  const { code, message } = error ?? {};
  if (typeof code !== 'string' || typeof message !== 'string') return null;
  if (status === 403) return new TuttiError('UNAUTHORIZED', message);
  if (Object.hasOwn(errorCodes, code) && code !== 'INTERNAL') return new TuttiError(code as ErrorCode, message);
  // A code of HTTP alone, or of another version. A bug over there is none here.
  return new TuttiError('PEER_FAILED', `the node answered ${status} ${code}: ${message}`);
}
