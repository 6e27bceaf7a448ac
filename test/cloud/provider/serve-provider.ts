import grpc from '@grpc/grpc-js';
import service from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import messages from '@pulumi/pulumi/proto/provider_pb.js';
import plugin from '@pulumi/pulumi/proto/plugin_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import struct from 'google-protobuf/google/protobuf/struct_pb.js';
import type { Provider } from './provider.ts';
import type { Problem } from './shape.ts';
import type { Values } from './values.ts';

const { DiffChanges } = messages.DiffResponse;

/** A provider that listens on loopback for the engine. Close it, or it stays. */
export interface ServedProvider {
  readonly port: number;
  close(): void;
}

type Answer<Response> = (error: Partial<grpc.ServiceError> | null, response?: Response) => void;
type Call<Request> = { readonly request: Request };

/**
 * Serves Pulumi's resource provider protocol (pulumi/provider.proto). The SDK's own helper answers questions about the configuration with
 * "unimplemented" and passes none on, so this speaks to the messages themselves.
 */
export async function serveProvider(provider: Provider): Promise<ServedProvider> {
  const server = new grpc.Server();
  server.addService(service.ResourceProviderService, handlersOf(provider));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}

function handlersOf(provider: Provider): grpc.UntypedServiceImplementation {
  /** Of the last Configure: one engine at a time. */
  let config: Values = {};
  return {
    getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(provider.version)),
    attach: unary(() => new empty.Empty()),
    cancel: unary(() => new empty.Empty()),
    checkConfig: unary((request: messages.CheckRequest) =>
      checked(read(request.getNews()), provider.checkConfig(read(request.getNews()))),
    ),
    diffConfig: unary(() => new messages.DiffResponse().setChanges(DiffChanges.DIFF_NONE)),
    configure: unary((request: messages.ConfigureRequest) => {
      config = read(request.getArgs());
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
    check: unary((request: messages.CheckRequest) => {
      const urn = request.getUrn();
      const { inputs, problems } = provider.check(typeOf(urn), urn, read(request.getOlds()), read(request.getNews()));
      return checked(inputs, problems);
    }),
    diff: unary((request: messages.DiffRequest) => {
      const found = provider.diff(typeOf(request.getUrn()), read(request.getOldInputs()), read(request.getNews()));
      return new messages.DiffResponse()
        .setChanges(found.changes.length > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE)
        .setDiffsList([...found.changes])
        .setReplacesList([...found.replaces])
        .setDeletebeforereplace(found.deleteBeforeReplace);
    }),
    create: unary(async (request: messages.CreateRequest) => {
      const type = typeOf(request.getUrn());
      const { id, outputs } = await provider.create(type, config, read(request.getProperties()), request.getPreview());
      return new messages.CreateResponse().setId(id).setProperties(write(outputs));
    }),
    update: unary(async (request: messages.UpdateRequest) => {
      const inputs = [read(request.getOldInputs()), read(request.getNews())] as const;
      const { outputs } = await provider.update(
        typeOf(request.getUrn()),
        request.getId(),
        ...inputs,
        request.getPreview(),
      );
      return new messages.UpdateResponse().setProperties(write(outputs));
    }),
    read: unary((request: messages.ReadRequest) => {
      const found = provider.read(typeOf(request.getUrn()), request.getId());
      const answer = new messages.ReadResponse();
      if (found === null) return answer;
      return answer.setId(request.getId()).setProperties(write(found.outputs)).setInputs(write(found.inputs));
    }),
    delete: unary(async (request: messages.DeleteRequest) => {
      await provider.delete(typeOf(request.getUrn()), config, request.getId());
      return new empty.Empty();
    }),
    invoke: unary((request: messages.InvokeRequest) => {
      throw new Error(`${request.getTok()}: this stand-in answers no function; the program is meant to ask none`);
    }),
  };
}

/** What is not handled at all grpc-js answers with "unimplemented". */
function unary<Request, Response>(
  handle: (request: Request) => Response | Promise<Response>,
): (call: Call<Request>, answer: Answer<Response>) => void {
  return ({ request }, answer) => {
    Promise.resolve()
      .then(() => handle(request))
      .then(
        (response) => answer(null, response),
        (error: unknown) =>
          answer({ code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) }),
      );
  };
}

const typeOf = (urn: string): string => urn.split('::')[2]!.split('$').at(-1)!;
const read = (value: struct.Struct | undefined): Values => value?.toJavaScript() ?? {};
const write = (values: Values): struct.Struct => struct.Struct.fromJavaScript(values);

function checked(inputs: Values, problems: readonly Problem[]): messages.CheckResponse {
  const failures = problems.map(({ path, reason }) => new messages.CheckFailure().setProperty(path).setReason(reason));
  return new messages.CheckResponse().setInputs(write(inputs)).setFailuresList(failures);
}
