import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeNewObject } from '../../../node/src/gcs/write-object.ts';
import { FakeGoogle } from './fake-google.ts';

describe('a new object of Cloud Storage', () => {
  let google: FakeGoogle;

  beforeEach(async () => {
    google = await FakeGoogle.start();
  });
  afterEach(() => google.stop());

  const write = (): Promise<boolean> => {
    const what = { bucket: 'results', object: 'a b/run-1.json', text: '{"ü":1}' };
    return writeNewObject(google.address, what, new AbortController().signal);
  };

  it('is written under the condition that there is none of that name', async () => {
    google.onAsked = (asked) => asked.answer(200, '{}');
    expect(await write()).toBe(true);
    const { method, path, query, body } = google.asked[0]!;
    expect([method, path, body]).toEqual(['POST', '/upload/storage/v1/b/results/o', '{"ü":1}']);
    const conditions = { uploadType: 'media', name: 'a b/run-1.json', ifGenerationMatch: '0' };
    expect(Object.fromEntries(query)).toEqual(conditions);
  });

  it('that is there already is left as it is', async () => {
    google.onAsked = (asked) => asked.answer(412, 'Precondition Failed');
    expect(await write()).toBe(false);
  });

  it.each([
    [403, /results\/a b\/run-1.json: it is forbidden.*roles\/storage\.objectCreator/],
    [404, /no bucket gs:\/\/results; create it: gcloud storage buckets create gs:\/\/results/],
    [503, /the answer was 503/],
  ])('that is answered %i is not there, and the remedy is told', async (status, reason) => {
    google.onAsked = (asked) => asked.answer(status);
    await expect(write()).rejects.toThrow(reason);
  });
});
