import type { GoogleRest } from './rest.ts';

export interface LogEntry {
  /** Orders entries, and tells them apart. */
  readonly insertId: string;
  readonly at: string;
  /** The machine's number. */
  readonly machineId: string;
  readonly severity: string;
  readonly text: string;
}

export interface LogQuestion {
  readonly project: string;
  /** Of machines. */
  readonly ids: readonly string[];
  /** RFC 3339; entries from then on. */
  readonly since: string;
  readonly limit: number;
}

/** What the machines have written to Cloud Logging. */
export interface Logging {
  /** The newest of them, oldest first. */
  entries(question: LogQuestion): Promise<readonly LogEntry[]>;
}

interface Resource {
  readonly insertId?: string;
  readonly timestamp?: string;
  readonly severity?: string;
  readonly textPayload?: string;
  readonly jsonPayload?: Readonly<Record<string, unknown>>;
  readonly resource?: { readonly labels?: Readonly<Record<string, string>> };
}

/** Cloud Logging by its REST API (cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list). */
export function loggingOf(rest: GoogleRest): Logging {
  return {
    async entries({ project, ids, since, limit }) {
      if (ids.length === 0) return [];
      const machines = ids.map((id) => `"${id}"`).join(' OR ');
      const body = {
        resourceNames: [`projects/${project}`],
        filter: `resource.type="gce_instance" AND resource.labels.instance_id=(${machines}) AND timestamp>="${since}"`,
        orderBy: 'timestamp desc',
        pageSize: limit,
      };
      const answer = await rest.json<{ readonly entries?: readonly Resource[] }>({
        api: 'logging',
        method: 'POST',
        path: 'entries:list',
        body,
      });
      return (answer.entries ?? []).map(entryOf).reverse();
    },
  };
}

function entryOf({ insertId = '', timestamp = '', severity = 'DEFAULT', resource, ...payload }: Resource): LogEntry {
  const { textPayload, jsonPayload } = payload;
  return {
    insertId,
    at: timestamp,
    machineId: resource?.labels?.instance_id ?? '',
    severity,
    text: (textPayload ?? messageOf(jsonPayload)).trimEnd(),
  };
}

/** What a node writes is JSON of its own (LOG_FORMAT=json); Container-Optimized OS passes a line on as `message`. */
function messageOf(payload: Readonly<Record<string, unknown>> | undefined): string {
  if (payload === undefined) return '';
  const { message } = payload;
  return typeof message === 'string' ? message : JSON.stringify(payload);
}
