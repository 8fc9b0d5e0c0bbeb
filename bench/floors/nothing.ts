/** The least that any function takes: Node starts, and loads a file. */
export const handler = async () => ({ statusCode: 200 });
