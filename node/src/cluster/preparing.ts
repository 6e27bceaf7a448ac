import { moved, notNow, type Changed, type CommandOf } from './changes.ts';
import { slotOf, type Run } from './state.ts';

/** Of the latest attempt, once per agent: the first one stands. An agent that was not expected joins. */
export function acknowledge(run: Run, command: CommandOf<'acknowledge'>): Changed {
  const { acknowledgement } = command;
  if (run.phase.name === 'draining') return notNow(run, 'takes no further agents');
  if (acknowledgement.attempt !== run.attempt) {
    return `attempt ${acknowledgement.attempt} is not the latest one, ${run.attempt}`;
  }
  const slot = slotOf(acknowledgement.agent);
  if (run.acknowledgements.some((each) => slotOf(each.agent) === slot)) return run;
  const acknowledged: Run = { ...run, acknowledgements: [...run.acknowledgements, acknowledgement] };
  const prepared = new Set(
    acknowledged.acknowledgements.filter((each) => each.outcome.ok).map((each) => slotOf(each.agent)),
  );
  const everyone = run.expected.every((agent) => prepared.has(slotOf(agent)));
  if (!everyone || run.phase.name !== 'preparing') return acknowledged;
  return moved(acknowledged, { kind: 'everyoneAcknowledged' });
}

export function retryPrepare(run: Run, command: CommandOf<'retryPrepare'>): Changed {
  if (run.phase.name !== 'preparing') return notNow(run, 'is prepared');
  if (command.attempt !== run.attempt + 1) return `attempt ${command.attempt} does not follow ${run.attempt}`;
  const { attempt, expected } = command;
  const kept = new Set(expected.map(slotOf));
  const dropped = run.expected.filter((agent) => !kept.has(slotOf(agent))).map((agent) => agent.node);
  return { ...run, attempt, expected, missing: [...run.missing, ...dropped], acknowledgements: [] };
}
