/** How many HTTP calls this process makes now, each counted until its answer has ended. */
export function openCalls(): number;
/** Resolves when this process waits for no answer, and what the last ones led to has run. */
export function noOpenCalls(): Promise<void>;
