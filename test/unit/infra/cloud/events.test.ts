import type { EngineEvent } from '@pulumi/pulumi/automation/index.js';
import { describe, expect, it } from 'vitest';
import { describeChanges, EventLines } from '../../../../infra/src/cloud/engine/events.ts';

const urn = 'urn:pulumi:dev::tutti::tutti:infra:NodeVm$gcp:compute/instance:Instance::tutti-dev-us-east1-1';
const metadata = { op: 'create', urn, type: 'gcp:compute/instance:Instance' };
const event = (timestamp: number, given: object): EngineEvent => ({ sequence: 0, timestamp, ...given });

describe('what is told of an operation', () => {
  it('is each resource when it is done, and how long it took', () => {
    const lines = new EventLines(false);
    expect(lines.of(event(100, { resourcePreEvent: { metadata } }))).toBeNull();
    expect(lines.of(event(112, { resOutputsEvent: { metadata } }))).toBe(
      '  created Instance tutti-dev-us-east1-1 (12 s)',
    );
    const deleted = { ...metadata, op: 'delete' };
    lines.of(event(200, { resourcePreEvent: { metadata: deleted } }));
    expect(lines.of(event(200, { resOutputsEvent: { metadata: deleted } }))).toBe(
      '  deleted Instance tutti-dev-us-east1-1',
    );
  });

  it('is in a preview what would be done', () => {
    const lines = new EventLines(true);
    expect(lines.of(event(1, { resourcePreEvent: { metadata: { ...metadata, op: 'replace' } } }))).toBe(
      '  replace Instance tutti-dev-us-east1-1',
    );
    expect(lines.of(event(2, { resOutputsEvent: { metadata } }))).toBeNull();
  });

  it('is that a bucket with results stays where it is', () => {
    const kept = { op: 'delete', urn, type: 'gcp:storage/bucket:Bucket', old: { retainOnDelete: true } };
    const [preview, operation] = [new EventLines(true), new EventLines(false)];
    expect(preview.of(event(1, { resourcePreEvent: { metadata: kept } }))).toBe(
      '  leave where it is Bucket tutti-dev-us-east1-1',
    );
    expect(operation.of(event(1, { resOutputsEvent: { metadata: kept } }))).toBe(
      '  left where it is Bucket tutti-dev-us-east1-1',
    );
  });

  it('is nothing of what the engine says to those who look for its faults, which may hold more than is meant for eyes', () => {
    const diagnosticEvent = { urn, message: 'RegisterResource RPC prepared: ...', color: 'never', severity: 'debug' };
    expect(new EventLines(false).of(event(1, { diagnosticEvent }))).toBeNull();
  });

  it('is neither a component nor what stays as it is', () => {
    const lines = new EventLines(false);
    const component = { op: 'create', urn, type: 'tutti:infra:NodeVm' };
    expect(lines.of(event(1, { resOutputsEvent: { metadata: component } }))).toBeNull();
    expect(lines.of(event(1, { resOutputsEvent: { metadata: { ...metadata, op: 'same' } } }))).toBeNull();
  });

  it('is what went wrong, by the name of the resource and without marks of colour', () => {
    const lines = new EventLines(false);
    const diagnosticEvent = {
      urn,
      message: '<{%fg 1%}>quota<{%reset%}> exceeded\n',
      color: 'never',
      severity: 'error',
    };
    expect(lines.of(event(1, { diagnosticEvent }))).toBe('error: tutti-dev-us-east1-1: quota exceeded');
    expect(
      lines.of(event(1, { diagnosticEvent: { ...diagnosticEvent, urn: '', severity: 'info', message: 'next: x' } })),
    ).toBe('next: x');
    expect(lines.of(event(1, { diagnosticEvent: { ...diagnosticEvent, ephemeral: true } }))).toBeNull();
    expect(lines.of(event(1, { resOpFailedEvent: { metadata, status: 1, steps: 1 } }))).toBe(
      '  FAILED: create Instance tutti-dev-us-east1-1',
    );
  });
});

describe('a summary of changes', () => {
  it.each([
    [{ same: 40 }, 'nothing to do; 40 stay as they are'],
    [{ create: 2, update: 1, same: 40 }, '2 to create, 1 to change; 40 stay as they are'],
    [{ delete: 3 }, '3 to delete'],
    [{}, 'nothing to do'],
  ])('of %j', (changes, text) => {
    expect(describeChanges(changes)).toBe(text);
  });
});
