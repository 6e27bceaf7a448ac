import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectAddress, StoredText } from '../../../node/src/gcs/read-object.ts';
import { readText } from '../../../node/src/gcs/read-text.ts';
import { type Asked, FakeGoogle } from './fake-google.ts';
import { HastyClock } from './hasty-clock.ts';

describe('an object of Cloud Storage', () => {
  let google: FakeGoogle;
  let clock: HastyClock;

  beforeEach(async () => {
    google = await FakeGoogle.start();
    clock = new HastyClock();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await google.stop();
  });

  const read = (
    known: string | null = null,
    { random = () => 0, signal = new AbortController().signal, ...address }: Partial<ReadOptions> = {},
  ): Promise<StoredText | null> => readText({ ...google.address, ...address }, known, { clock, random, signal });
  interface ReadOptions extends ObjectAddress {
    random: () => number;
    signal: AbortSignal;
  }

  it('is read with its generation, by one request without a token where none is to be sent', async () => {
    google.onAsked = (asked) => asked.give(17, 'version: "1.0" # ü');
    const object = 'a team/plan?#.yaml';
    expect(await read(null, { object })).toEqual({ generation: '17', text: 'version: "1.0" # ü' });
    const [{ path, query, authorization }] = google.asked as [Asked];
    expect(path).toBe('/storage/v1/b/plans/o/a%20team%2Fplan%3F%23.yaml');
    expect([...query]).toEqual([['alt', 'media']]);
    expect(authorization).toBe(undefined);
  });

  it('that has the known generation is not read again, by an emulator that knows no conditions neither', async () => {
    google.onAsked = (asked) => asked.answer(304);
    expect(await read('17')).toBe(null);
    expect(google.asked[0]!.query.get('ifGenerationNotMatch')).toBe('17');
    google.onAsked = (asked) => asked.give(17, 'the same');
    expect(await read('17')).toBe(null);
    google.onAsked = (asked) => asked.give(18, 'another');
    expect(await read('17')).toEqual({ generation: '18', text: 'another' });
  });

  it.each([
    ['is missing, as while an upload replaces it', (asked: Asked) => asked.answer(404, 'No such object')],
    ['cannot be had for too many requests', (asked: Asked) => asked.answer(429)],
    ['meets an error of the server', (asked: Asked) => asked.answer(503)],
    ['meets a connection that ends', (asked: Asked) => asked.hangUp()],
  ])('that %s is read a moment later', async (_what, fail) => {
    google.onAsked = (asked) => (google.asked.length < 4 ? fail(asked) : asked.give(1, 'plan'));
    expect(await read()).toMatchObject({ text: 'plan' });
    expect(google.asked).toHaveLength(4);
    expect(clock.pausesMs).toEqual([200, 400, 800]);
  });

  it('is asked for after pauses of which up to a half is jitter', async () => {
    google.onAsked = (asked) => (google.asked.length < 3 ? asked.answer(500) : asked.give(1, 'plan'));
    await read(null, { random: () => 0.5 });
    expect(clock.pausesMs).toEqual([150, 300]);
  });

  it('that stays missing is told within seconds, with the command that puts it there', async () => {
    google.onAsked = (asked) => asked.answer(404, 'No such object: plans/plan.yaml');
    await expect(read()).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringMatching(
        /^there is no gs:\/\/plans\/plan.yaml; .*gcloud storage cp config.yaml gs:\/\/plans\/plan.yaml \(No such object/,
      ) as string,
    });
    expect(clock.nowMs()).toBeGreaterThan(1_000);
    expect(clock.nowMs()).toBeLessThanOrEqual(3_000);
  });

  it('that meets errors of the server for long is told with the last of them', async () => {
    google.onAsked = (asked) => asked.answer(503, '{"error":{"code":503,"message":"Backend Error"}}');
    await expect(read()).rejects.toMatchObject({
      code: 'GCS_FAILED',
      message: 'gs://plans/plan.yaml: the answer was 503 (Backend Error)',
    });
    expect(clock.nowMs()).toBeGreaterThan(2_000);
    // One more attempt of four seconds, and `tutti reload` still hears of it within ten.
    expect(clock.nowMs()).toBeLessThanOrEqual(5_000);
  });

  it.each([
    [403, 'does not have storage.objects.get access', /403.*does not have storage.*roles\/storage\.objectViewer/],
    [401, 'Anonymous caller', /401.*Anonymous caller.*gcloud auth application-default login/],
    [400, 'Invalid', /the answer was 400 \(Invalid\)/],
    [304, '', /the answer was 304/],
  ])('that is answered %i is asked for once, and the remedy is told', async (status, body, reason) => {
    google.onAsked = (asked) => asked.answer(status, body);
    await expect(read()).rejects.toMatchObject({
      code: 'GCS_FAILED',
      message: expect.stringMatching(reason) as string,
    });
    expect(google.asked).toHaveLength(1);
  });

  it('may be as large as a plan may be, and no larger', async () => {
    google.onAsked = (asked) => asked.give(1, 'x'.repeat(1_000));
    expect((await read())?.text).toHaveLength(1_000);
    google.onAsked = (asked) => asked.give(1, 'x'.repeat(1_001));
    await expect(read()).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('has more than 1000 bytes') as string,
    });
  });

  it('must be text, and come from Cloud Storage', async () => {
    google.onAsked = (asked) => asked.give(1, Buffer.from([0xff]));
    await expect(read()).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('UTF-8') as string,
    });
    google.onAsked = (asked) => asked.answer(200, 'a page');
    await expect(read()).rejects.toThrow(/is it Cloud Storage that answers/);
  });

  it('is not waited for without end: nobody who hangs is kept a connection to', async () => {
    const late = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(late.signal);
    const hung = Promise.withResolvers<Asked>();
    google.onAsked = (asked) => {
      if (google.asked.length > 1) return asked.give(1, 'plan');
      hung.resolve(asked);
    };
    const reading = read();
    const closed = once((await hung.promise).socket, 'close');
    late.abort(new Error('late'));
    expect(await reading).toMatchObject({ text: 'plan' });
    expect(timeout.mock.calls[0]![0]).toBeLessThanOrEqual(5_000);
    await closed;
  });

  it('nobody waits for any more is given up at once', async () => {
    const over = new AbortController();
    const isAsked = new Promise<Asked>((resolve) => (google.onAsked = resolve));
    const reading = read(null, { signal: over.signal });
    const closed = once((await isAsked).socket, 'close');
    over.abort();
    await expect(reading).rejects.toMatchObject({ code: 'GCS_FAILED' });
    await closed;
    expect(google.asked).toHaveLength(1);
  });
});
