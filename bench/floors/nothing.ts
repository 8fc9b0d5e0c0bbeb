/** The least work of any function: Node starts, and loads one file. */
export const handler = async () => ({ statusCode: 200 });
