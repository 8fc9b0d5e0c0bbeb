/*
 * Replaces `@smithy/core/event-streams` in the bundles. The module is for calls of AWS that answer
 * with a stream of events, and Onebuck makes none of these calls. The SDK's HttpProtocol loads it
 * by `import()`; because of that, esbuild would wrap every module that it shares with the rest of
 * the bundle in a function, and Node would parse these modules twice.
 */
export const eventStreamSerdeProvider = () => ({});

export const resolveEventStreamSerdeConfig = <T>(config: T): T => config;

export class EventStreamSerde {
  constructor() {
    throw new Error('event streams are left out of the bundle');
  }
}
