import { gcpMachine } from './gcp-machine.ts';
import { gcpNetwork } from './gcp-network.ts';
import { gcpProject } from './gcp-project.ts';
import { gcpRegistry } from './gcp-registry.ts';
import { gcpSecrets } from './gcp-secrets.ts';
import { gcpStorage } from './gcp-storage.ts';
import type { ResourceKind } from './resource-kind.ts';

/** Every type of Google resource that the stand-in knows. It refuses all others by name. */
export const gcpKinds: Readonly<Record<string, ResourceKind>> = {
  ...gcpProject,
  ...gcpNetwork,
  ...gcpStorage,
  ...gcpSecrets,
  ...gcpRegistry,
  ...gcpMachine,
};
