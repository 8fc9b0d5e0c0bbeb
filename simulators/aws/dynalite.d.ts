declare module 'dynalite' {
  import type { Server } from 'node:http';

  /**
   * `path`: the folder in which Dynalite keeps the tables; without it, Dynalite keeps them in
   * memory. `createTableMs`: how long a new table is `CREATING`.
   */
  export default function dynalite(options: {
    readonly path?: string;
    readonly createTableMs?: number;
  }): Server;
}
