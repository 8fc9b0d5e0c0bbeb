/**
 * Has the framework ask ops/guard.ts before it removes the stack, and before it changes it. Nothing
 * else: no command that merely reads serverless.yml may need AWS for it.
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
    /** @param {string} refusal */
    const refuse = (refusal) => {
      throw new serverless.classes.Error(refusal);
    };

    this.hooks = {
      'before:remove:remove': async () => {
        const { OVERRIDE, refusalOfRemoval } = await loadGuard();
        const asked = await deployment();
        const refusal = await refusalOfRemoval(asked);
        if (refusal === null) return;
        if (process.env[OVERRIDE] !== asked.stage) refuse(refusal);
        log.warning(`Removed all the same, as ${OVERRIDE} says. ${refusal}`);
      },
      'before:aws:deploy:deploy:createStack': async () => {
        const { refusalOfDeploy } = await loadGuard();
        const template = serverless.service.provider.compiledCloudFormationTemplate;
        const refusal = await refusalOfDeploy(await deployment(), template);
        if (refusal !== null) refuse(refusal);
      },
    };
  }
}

/** The framework can't load TypeScript by itself on Node 20. */
async function loadGuard() {
  const { tsImport } = await import('tsx/esm/api');
  return tsImport('./guard.ts', import.meta.url);
}
