/** How many HTTP calls this process has open: a call is open until its whole answer has arrived. */
export function openCalls(): number;
/** Resolves when no call is open, and the code after the last answers has run. */
export function noOpenCalls(): Promise<void>;
