import type { EngineEvent } from '@pulumi/pulumi/automation/index.js';

type StepEventMetadata = NonNullable<EngineEvent['resourcePreEvent']>['metadata'];

const past: Readonly<Record<string, string>> = {
  create: 'created',
  'create-replacement': 'created anew',
  update: 'changed',
  delete: 'deleted',
  'delete-replaced': 'deleted for another',
  retain: 'left where it is',
  replace: 'replaced',
};
const planned: Readonly<Record<string, string>> = {
  create: 'create',
  update: 'change',
  delete: 'delete',
  replace: 'replace',
  retain: 'leave where it is',
};

/** What of the engine's events a person wants to see: what was done to each resource, and what is wrong. Keeps the moments of begin. */
export class EventLines {
  readonly #begun = new Map<string, number>();
  readonly #isPreview: boolean;

  constructor(isPreview: boolean) {
    this.#isPreview = isPreview;
  }

  /** Null: nothing to say. */
  of(event: EngineEvent): string | null {
    const { diagnosticEvent, resourcePreEvent, resOutputsEvent, resOpFailedEvent } = event;
    if (diagnosticEvent !== undefined) return diagnosisOf(diagnosticEvent);
    if (resourcePreEvent !== undefined) {
      const { urn, type } = resourcePreEvent.metadata;
      this.#begun.set(urn, event.timestamp);
      const what = planned[operationOf(resourcePreEvent.metadata)];
      return this.#isPreview && what !== undefined && isReal(type) ? `  ${what} ${nameOf(urn, type)}` : null;
    }
    if (resOutputsEvent !== undefined && !this.#isPreview) {
      const { urn, type } = resOutputsEvent.metadata;
      const what = past[operationOf(resOutputsEvent.metadata)];
      if (what === undefined || !isReal(type)) return null;
      const tookSecs = event.timestamp - (this.#begun.get(urn) ?? event.timestamp);
      return `  ${what} ${nameOf(urn, type)}${tookSecs >= 1 ? ` (${tookSecs} s)` : ''}`;
    }
    if (resOpFailedEvent !== undefined) {
      const { op, urn, type } = resOpFailedEvent.metadata;
      return `  FAILED: ${op} ${nameOf(urn, type)}`;
    }
    return null;
  }
}

/** To the engine, what is retained is deleted: from its state. */
function operationOf({ op, old }: StepEventMetadata): string {
  return op === 'delete' && old?.retainOnDelete === true ? 'retain' : op;
}

const shown: ReadonlySet<string> = new Set(['info', 'warning', 'error']);

function diagnosisOf({
  message,
  severity,
  urn,
  ephemeral,
}: NonNullable<EngineEvent['diagnosticEvent']>): string | null {
  const text = plain(message).trim();
  if (text === '' || ephemeral === true || !shown.has(severity)) return null;
  const about = urn === undefined || urn === '' || severity === 'info' ? '' : `${urn.split('::').at(-1) ?? ''}: `;
  return severity === 'info' ? text : `${severity}: ${about}${text}`;
}

/** The engine marks colours as "<{%fg 1%}>". */
export const plain = (text: string): string => text.replace(/<\{%[^%]*%\}>/g, '');

/** Components and the stack itself are nothing that anybody waits for. */
const isReal = (type: string): boolean => !type.startsWith('tutti:') && !type.startsWith('pulumi:');

/** "Instance tutti-dev-us-east1-1" */
function nameOf(urn: string, type: string): string {
  return `${type.split(':').at(-1) ?? type} ${urn.split('::').at(-1) ?? urn}`;
}

/** "12 to create, 1 to change; 40 stay" */
export function describeChanges(changes: Readonly<Record<string, number>>): string {
  const { same = 0 } = changes;
  const some = Object.entries(changes).filter(([op, count]) => op !== 'same' && op !== 'read' && count > 0);
  const list = some.map(([op, count]) => `${count} to ${planned[op] ?? op}`).join(', ');
  return `${list === '' ? 'nothing to do' : list}${same > 0 ? `; ${same} stay as they are` : ''}`;
}
