/*
 * In bundles in place of `@smithy/core/event-streams`, for calls of AWS whose answers are streams of
 * events: none of ours is. The SDK's HttpProtocol loads it by `import()`, which has esbuild wrap all
 * that it shares with others, module by module, in functions, which Node then reads twice.
 */
export const eventStreamSerdeProvider = () => ({});

export const resolveEventStreamSerdeConfig = <T>(config: T): T => config;

export class EventStreamSerde {
  constructor() {
    throw new Error('event streams are left out of the bundle');
  }
}
