/**
 * A plugin of the framework that asks ops/guard.ts before the framework removes or changes the
 * stack, and has it protect the table after a deployment. It hooks into no other command, since
 * commands that only read serverless.yml must work without AWS.
 */
export default class Guard {
  /**
   * @param {any} serverless
   * @param {unknown} _options
   * @param {{ log: { warning(text: string): void } }} utils
   */
  constructor(serverless, _options, { log }) {
    const deployment = async () => {
      const provider = serverless.getProvider('aws');
      return {
        aws: await provider.getAwsSdkV3Config(),
        stage: provider.getStage(),
        tableName: serverless.service.custom.table,
      };
    };
    /** @param {string} reason */
    const refuse = (reason) => {
      throw new serverless.classes.Error(reason);
    };

    this.hooks = {
      'before:remove:remove': async () => {
        const { OVERRIDE, refusalOfRemoval } = await loadGuard();
        const removed = await deployment();
        const refusal = await refusalOfRemoval(removed);
        if (refusal === null) return;
        if (process.env[OVERRIDE] !== removed.stage) refuse(refusal);
        log.warning(`Removing the stack all the same, since ${OVERRIDE} is set. ${refusal}`);
      },
      'before:aws:deploy:deploy:createStack': async () => {
        const { refusalOfDeploy } = await loadGuard();
        const template = serverless.service.provider.compiledCloudFormationTemplate;
        const refusal = await refusalOfDeploy(await deployment(), template);
        if (refusal !== null) refuse(refusal);
      },
      'after:aws:deploy:deploy:updateStack': async () => {
        const { setProtection } = await loadGuard();
        const isKept = serverless.service.custom.keepTable === 'true';
        await setProtection(await deployment(), isKept).catch(({ message }) => refuse(message));
      },
    };
  }
}

/** On Node 20 the framework can't load TypeScript by itself. */
async function loadGuard() {
  const { tsImport } = await import('tsx/esm/api');
  return tsImport('./guard.ts', import.meta.url);
}
