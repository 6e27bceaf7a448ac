import { GoogleFailure, type GoogleRest } from './rest.ts';

export interface StoredObject {
  readonly name: string;
  readonly generation: string;
  /** RFC 3339 */
  readonly updated: string;
  readonly bytes: number;
}

/** What the scripts do with a bucket. */
export interface Storage {
  /** Null: there is no such object. */
  stat(bucket: string, object: string): Promise<StoredObject | null>;
  /** In the order of the names. */
  list(bucket: string): Promise<readonly StoredObject[]>;
  read(bucket: string, object: string): Promise<string>;
  /** Writes over what is there; gives back what it is now. */
  write(bucket: string, object: string, text: string, type: string): Promise<StoredObject>;
}

interface Resource {
  readonly name: string;
  readonly generation?: string;
  readonly updated?: string;
  readonly size?: string;
}

/** Cloud Storage by its JSON API (cloud.google.com/storage/docs/json_api). */
export function storageOf(rest: GoogleRest): Storage {
  const objects = (bucket: string): string => `b/${encodeURIComponent(bucket)}/o`;
  const path = (bucket: string, object: string): string => `${objects(bucket)}/${encodeURIComponent(object)}`;
  return {
    async stat(bucket, object) {
      try {
        return storedOf(await rest.json<Resource>({ api: 'storage', path: path(bucket, object) }));
      } catch (thrown) {
        if (thrown instanceof GoogleFailure && thrown.status === 404) return null;
        throw thrown;
      }
    },
    async list(bucket) {
      const found: StoredObject[] = [];
      let pageToken = '';
      do {
        const query = { maxResults: '1000', ...(pageToken !== '' && { pageToken }) };
        const page = await rest.json<{ readonly items?: readonly Resource[]; readonly nextPageToken?: string }>({
          api: 'storage',
          path: objects(bucket),
          query,
        });
        found.push(...(page.items ?? []).map(storedOf));
        pageToken = page.nextPageToken ?? '';
      } while (pageToken !== '');
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async read(bucket, object) {
      return (await rest.text({ api: 'storage', path: path(bucket, object), query: { alt: 'media' } })).text;
    },
    async write(bucket, object, text, type) {
      const query = { uploadType: 'media', name: object };
      const request = { api: 'storage', method: 'POST', path: objects(bucket), query, upload: true } as const;
      return storedOf(await rest.json<Resource>({ ...request, content: { text, type } }));
    },
  };
}

function storedOf({ name, generation = '', updated = '', size = '0' }: Resource): StoredObject {
  return { name, generation, updated, bytes: Number(size) };
}
