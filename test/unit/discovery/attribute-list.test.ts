import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listAttribute, watchListAttribute } from '../../../node/src/discovery/attribute-list.ts';
import type { MemberList } from '../../../node/src/discovery/member-list.ts';
import { systemClock } from '../../../node/src/lib/clock.ts';
import { parseMembers } from '../../../node/src/node/discovery/listed-members.ts';
import { FakeGoogle } from '../gcs/fake-google.ts';

const three = 'a=10.0.0.1:7000,b=10.0.0.2:7000,c=10.0.0.3:7000/learner';

describe('the list in an attribute of the machine', () => {
  let google: FakeGoogle;
  let list: MemberList | null = null;
  let told: string[] = [];
  let look: () => void = () => undefined;

  beforeEach(async () => {
    google = await FakeGoogle.start();
    told = [];
  });
  afterEach(async () => {
    list?.close();
    await google.stop();
  });

  const watch = (host = google.host): MemberList =>
    (list = watchListAttribute({
      ...{ host, clock: systemClock, random: () => 0 },
      parse: (text) => parseMembers(text, 'the attribute'),
      onChange: () => look(),
      onFailure: ({ message }) => {
        told.push(message);
        look();
      },
    }));
  /** At each change and each failure, until it is so. */
  const until = (isSo: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (isSo()) resolve();
      };
      look();
    });
  const ids = (): string =>
    list
      ?.members()
      ?.map(({ id }) => id)
      .join('') ?? '';

  it('is read, with who has no vote, and again as soon as it changes', async () => {
    google.setAttribute(listAttribute, three);
    watch();
    await until(() => ids() === 'abc');
    expect(list!.members()).toContainEqual({ id: 'c', address: '10.0.0.3:7000', isLearner: true });
    expect(list!.isFresh()).toBe(true);
    google.setAttribute(listAttribute, `${three},d=10.0.0.4`);
    await until(() => ids() === 'abcd');
    google.setAttribute(listAttribute, three);
    await until(() => ids() === 'abc');
    expect(told).toEqual([]);
  });

  it('stays as it was where what comes is no list, or the attribute goes, and says why', async () => {
    google.setAttribute(listAttribute, three);
    watch();
    await until(() => ids() === 'abc');
    google.setAttribute(listAttribute, 'a=10.0.0.1,b=nowhere:port');
    await until(() => told.some((message) => message.includes('"port" is not a port')));
    google.setAttribute(listAttribute, '10.0.0.1:7000');
    await until(() => told.some((message) => message.includes('names every node: id=host:port')));
    google.setAttribute(listAttribute, null);
    await until(() => told.some((message) => message.includes('has no attribute cluster-nodes')));
    expect(ids()).toBe('abc');
    expect(list!.problem()).toContain('has no attribute cluster-nodes');
  });

  it('is nothing as long as nobody answers, and said to be so', async () => {
    const { host } = google;
    await google.stop();
    watch(host);
    await until(() => told.length >= 2);
    expect(list!.members()).toBeNull();
    expect(list!.isFresh()).toBe(false);
    expect(told[0]).toContain(`the attribute cluster-nodes of this machine, asked of ${host}: `);
    google = await FakeGoogle.start();
  });
});
