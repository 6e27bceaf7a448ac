import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TuttiError } from '../../../node/src/lib/errors.ts';
import { gcsSource } from '../../../node/src/source/gcs.ts';
import type { PlanSource, SourcedPlan } from '../../../node/src/source/source.ts';
import { FakeGoogle } from '../gcs/fake-google.ts';
import { ManualClock } from '../transport/manual-clock.ts';

const signal = new AbortController().signal;
const patient = { timeout: 10_000, interval: 5 };

describe('a plan in Cloud Storage', () => {
  let google: FakeGoogle;
  let clock: ManualClock;
  let end: () => void;

  beforeEach(async () => {
    google = await FakeGoogle.start();
    clock = new ManualClock();
    end = () => undefined;
  });
  afterEach(async () => {
    end();
    await google.stop();
  });

  const source = (object = 'plan.yaml', pollMs: number | null = 10_000): PlanSource =>
    gcsSource({ address: { ...google.address, object }, pollMs, clock, random: () => 0 });
  const asked = (count: number): Promise<void> => vi.waitFor(() => expect(google.asked).toHaveLength(count), patient);

  it('is the same submission as long as it has the same generation, whatever it says', async () => {
    const idOf = async (generation: number, text: string, object?: string): Promise<string> => {
      google.onAsked = (question) => question.give(generation, text);
      return (await source(object).fetch(signal)).submissionId;
    };
    expect(await idOf(7, 'a')).toBe('gs://plans/plan.yaml#7');
    expect(await idOf(7, 'a')).toBe('gs://plans/plan.yaml#7');
    expect(await idOf(8, 'a')).toBe('gs://plans/plan.yaml#8');
    expect(await idOf(7, 'a', 'other.yaml')).toBe('gs://plans/other.yaml#7');
  });

  it('is not watched unless that is asked for', () => {
    expect(source('plan.yaml', null).watch).toBe(null);
  });

  it('is asked for every so many seconds, from the generation that is known, and told when that changes', async () => {
    const told: string[] = [];
    const failed: TuttiError[] = [];
    const onPlan = ({ submissionId }: SourcedPlan): void => void told.push(submissionId);
    google.onAsked = (question) => question.answer(304);
    end = source().watch!('gs://plans/plan.yaml#7+again', { onPlan, onFailure: (error) => failed.push(error) });
    await asked(1);
    expect(google.asked[0]!.query.get('ifGenerationNotMatch')).toBe('7');
    google.onAsked = (question) => question.give(8, 'b');
    await nextQuestion(2);
    await vi.waitFor(() => expect(told).toEqual(['gs://plans/plan.yaml#8']), patient);
    google.onAsked = (question) => question.answer(304);
    await nextQuestion(3);
    expect(google.asked[2]!.query.get('ifGenerationNotMatch')).toBe('8');
    expect([told, failed]).toEqual([['gs://plans/plan.yaml#8'], []]);
  });

  it('that could not be read is told as it is once it can be again, so that nobody goes on telling of the failure', async () => {
    const told: string[] = [];
    const failed: string[] = [];
    google.onAsked = (question) => question.answer(403);
    end = source().watch!('gs://plans/plan.yaml#7', {
      onPlan: ({ submissionId }) => told.push(submissionId),
      onFailure: ({ code }) => failed.push(code),
    });
    await vi.waitFor(() => expect(failed).toEqual(['GCS_FAILED']), patient);
    google.onAsked = (question) => question.give(7, 'a');
    await nextQuestion(2);
    await vi.waitFor(() => expect(told).toEqual(['gs://plans/plan.yaml#7']), patient);
    expect(google.asked[1]!.query.has('ifGenerationNotMatch')).toBe(false);
  });

  it('of another object than the one that was run is read from the beginning', async () => {
    google.onAsked = (question) => question.give(7, 'a');
    const told: string[] = [];
    end = source('b').watch!('gs://plans/plan.yaml#7', {
      onPlan: ({ submissionId }) => told.push(submissionId),
      onFailure: () => undefined,
    });
    await vi.waitFor(() => expect(told).toEqual(['gs://plans/b#7']), patient);
    expect(google.asked[0]!.query.has('ifGenerationNotMatch')).toBe(false);
  });

  it('is asked for no more once the watch has ended', async () => {
    const told: string[] = [];
    const question = new Promise<(typeof google.asked)[number]>((resolve) => (google.onAsked = resolve));
    const stop = source().watch!(null, {
      onPlan: ({ text }) => told.push(text),
      onFailure: ({ message }) => told.push(message),
    });
    const { socket } = await question;
    const closed = new Promise((resolve) => socket.on('close', resolve));
    stop();
    await closed;
    clock.advance(60_000);
    expect([google.asked.length, told]).toEqual([1, []]);
  });

  /** Time passes until the count is reached: when the answer to the last question is in, the next one is due in ten seconds. */
  async function nextQuestion(count: number): Promise<void> {
    await vi.waitFor(() => {
      if (google.asked.length < count) clock.advance(10_000);
      expect(google.asked).toHaveLength(count);
    }, patient);
  }
});
