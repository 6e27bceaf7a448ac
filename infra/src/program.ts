import { type Input, interpolate } from '@pulumi/pulumi';
import { cloudInit } from './boot/cloud-init.ts';
import { NODE_IMAGE } from './boot/node-image.ts';
import { nodeSettings } from './boot/settings.ts';
import type { Bundle } from './bundle/bundle.ts';
import { ConfigBucket, PLAN_OBJECT, ResultsBucket } from './components/buckets.ts';
import { Firewall } from './components/firewall.ts';
import { Founding, FOUNDERS_OBJECT } from './components/founding.ts';
import { Identity } from './components/identity.ts';
import { ImageReaders } from './components/image-readers.ts';
import { Network } from './components/network.ts';
import { NodeAddresses } from './components/node-addresses.ts';
import { NodeVm } from './components/node-vm.ts';
import { ProjectApis } from './components/project-apis.ts';
import { notBuilt, StackConfigError } from './config/parse.ts';
import type { StackConfig } from './config/schema.ts';
import { describeStack, type NodeOutput, type Outputs } from './describe-stack.ts';
import { keepCredentials } from './keep-credentials.ts';
import { planCluster } from './plan/cluster-plan.ts';
import { registryOf } from './plan/registry.ts';
import { fullSecretName, keysSecretOf } from './plan/secrets.ts';
import { checkedEgress } from './plan-file.ts';

/**
 * All resources of a stack, each in the component of its concern. Throws StackConfigError, before there is any, for what is
 * not built yet, and for a plan that no leader would take.
 */
export function deploy(config: StackConfig, planText: string, makeBundle: () => Bundle): Outputs {
  const missing = notBuilt(config);
  if (missing.length > 0) throw new StackConfigError(missing);
  const egress = checkedEgress(config.plan, planText);
  const bundle = config.deploy.kind === 'bundle' ? makeBundle() : null;
  const cluster = planCluster(config);
  const { prefix, labels, nodes } = cluster;
  const { machineType, dataDiskGib, maxRunHours } = config.runtime;
  const afterApis = { dependsOn: new ProjectApis(`${prefix}-apis`) };
  const network = new Network(prefix, cluster, afterApis);
  const identities = new Map(
    nodes.map((node) => [node.id, new Identity(node.name, { project: config.project, node }, afterApis)]),
  );
  const firewall = new Firewall(prefix, {
    network: network.id,
    accounts: [...identities.values()].map(({ email }) => email),
  });
  const members = new Map([...identities].map(([id, { member }]) => [id, member]));
  const bucket = { location: config.bucketLocation, labels, members };
  const bucketName = `${config.project}-${prefix}-config`;
  const plans = new ConfigBucket(`${prefix}-config`, { ...bucket, bucketName, planText, bundle }, afterApis);
  const results = new ResultsBucket(`${prefix}-results`, { ...bucket, keep: config.keepResults }, afterApis);
  const credentials = keepCredentials(config, cluster, members, afterApis);
  const { userData, readers } = prepareBoot(config, prefix, members, credentials !== null);
  const machines: NodeVm[] = [];
  const outputs = nodes.map((node): NodeOutput => {
    const subnet = network.subnets.get(node.region)!;
    const addresses = new NodeAddresses(node.name, { node, subnet }, afterApis);
    const settings = results.bucketName.apply((name) =>
      nodeSettings(
        node,
        { config: bucketName, planObject: PLAN_OBJECT, foundersObject: FOUNDERS_OBJECT, results: name },
        credentials !== null,
      ),
    );
    const machine = new NodeVm(
      node.name,
      {
        node,
        machineType,
        dataDiskGib,
        maxRunHours,
        subnet,
        internalIp: addresses.internal,
        externalIp: addresses.external,
        serviceAccount: identities.get(node.id)!.email,
        userData,
        settings,
        credentials: credentials?.settingsOf(node) ?? null,
        clusterNodes: cluster.clusterNodes,
        bundle: bundle === null ? null : `${bucketName}/${bundle.name}`,
      },
      // A node that starts before its rights are there waits for them in vain.
      { dependsOn: [firewall, plans, results, ...readers, ...(credentials?.kept ?? [])] },
    );
    machines.push(machine);
    const { id, role, region, zone, name: instance } = node;
    const { internal: internalIp, external: externalIp } = addresses;
    const keysSecret = credentials === null ? null : fullSecretName(config.project, keysSecretOf(node));
    return { id, role, region, zone, instance, internalIp, externalIp, keysSecret };
  });
  new Founding(`${prefix}-founding`, { bucket: plans.bucketName, founders: cluster.founders, machines });
  const where = {
    plan: interpolate`gs://${plans.bucketName}/${PLAN_OBJECT}`,
    results: interpolate`gs://${results.bucketName}`,
  };
  return describeStack(config, cluster, { ...where, nodes: outputs, egress });
}

/** What the machines do at each boot, and their rights to the image that they do it with. */
function prepareBoot(
  { deploy }: StackConfig,
  prefix: string,
  members: ReadonlyMap<string, Input<string>>,
  hasCredentials: boolean,
): { readonly userData: string; readonly readers: readonly ImageReaders[] } {
  const isBundled = deploy.kind === 'bundle';
  const image = isBundled ? NODE_IMAGE : deploy.image;
  const registry = registryOf(image);
  return {
    userData: cloudInit({ image, isBundled, registryHost: registry?.host ?? null, hasCredentials }),
    readers: registry === null ? [] : [new ImageReaders(`${prefix}-image`, { registry, members })],
  };
}
