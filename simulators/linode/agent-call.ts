/** What a call of an agent says. */
export type AgentEvent =
  | ('ready' | 'failed' | 'alive' | 'due' | 'sending')
  | ('job' | 'staged' | 'started' | 'log' | 'exited' | 'upload' | 'ended');

export interface AgentCall {
  readonly event: AgentEvent;
  readonly detail: string;
  /** What the node has sent in this month, by its own count. */
  readonly sentBytes?: number;
  readonly countedSince?: number;
  readonly segment?: number;
  /** Base64. */
  readonly data?: string;
  readonly exitCode?: number | null;
  readonly bytes?: number;
  readonly lastCall?: boolean;
  readonly results?: {
    readonly name: string;
    readonly bytes: number;
    readonly unpackedBytes: number;
    readonly files: number;
  } | null;
}
