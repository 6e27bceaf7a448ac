import type { Nemesis } from '../nemesis.ts';
import { kill } from './kill.ts';
import { cutBothWays, cutOneWay } from './links.ts';
import { members } from './members.ts';
import { pause } from './pause.ts';
import { rollingRestart } from './rolling-restart.ts';
import { slowDisk } from './slow-disk.ts';

/** Every kind of fault there is. */
export const nemeses: readonly Nemesis[] = [kill, pause, cutBothWays, cutOneWay, slowDisk, members, rollingRestart];

/** Those that go together with any other that is not among them, unless it is in `alone`. */
export const companions: readonly Nemesis[] = [cutBothWays, cutOneWay];

/** Those that themselves wait for the cluster, so that nothing else may stop it. */
export const alone: readonly Nemesis[] = [rollingRestart];
