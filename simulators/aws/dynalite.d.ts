declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** `path`: where the tables are kept; without it, in memory. Times are how long a change takes. */
  export default function dynalite(options: {
    readonly path?: string;
    readonly createTableMs?: number;
  }): Server;
}
