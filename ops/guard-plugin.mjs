import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A plugin of the framework that asks ops/guard.ts and ops/settings-guard.ts before the framework
 * removes or changes the stack, and has the first protect the table after a deployment. Before a
 * removal it has ops/job-bucket.ts empty the bucket of jobs' files. Of commands that only read
 * serverless.yml or package the functions, which must work without AWS, it asks only that the console
 * is built.
 */
export default class Guard {
  /**
   * @param {any} serverless
   * @param {{ timestamp?: string }} options
   * @param {{ log: { warning(text: string): void, notice(text: string): void } }} utils
   */
  constructor(serverless, options, { log }) {
    const deployment = async () => {
      const provider = serverless.getProvider('aws');
      return {
        aws: await provider.getAwsSdkV3Config(),
        stage: provider.getStage(),
        tableName: serverless.service.custom.table,
      };
    };
    /** @param {string | null} reason */
    const refuse = (reason) => {
      if (reason !== null) throw new serverless.classes.Error(reason);
    };
    /**
     * @param {object} wanted The settings to be deployed.
     * @param {{ isFileMissing: boolean }} file
     */
    const review = async (wanted, { isFileMissing }) => {
      const { reviewSettings } = await load('./settings-guard.ts');
      const { loosen } = serverless.service.custom;
      const terms = { loosen, isFileMissing };
      const { report, refusal } = await reviewSettings(await deployment(), wanted, terms);
      log.notice(report);
      refuse(refusal);
    };
    const file = async () => {
      const { isFileMissing } = await load('./settings.ts');
      const { stage } = await deployment();
      return { isFileMissing: isFileMissing(serverless.serviceDir, stage) };
    };
    const refuseWithoutConsole = () => {
      if (existsSync(join(serverless.serviceDir, 'web', 'dist', 'console.json'))) return;
      refuse('The console is not built, and a function serves it. Build it: npm run build:web');
    };
    const refuseEnvironment = async () => {
      const { refusalOfEnvironment } = await load('./settings-guard.ts');
      const { settings } = serverless.service.custom;
      refuse(refusalOfEnvironment(process.env, settings, (await deployment()).stage));
    };
    /**
     * @param {object} template The template to be deployed.
     * @param {{ isFileMissing: boolean }} file
     */
    const check = async (template, file) => {
      const { refusalOfDeploy } = await load('./guard.ts');
      const { settingsIn } = await load('./settings-guard.ts');
      refuse(await refusalOfDeploy(await deployment(), template));
      await review(settingsIn(template), file);
    };

    this.hooks = {
      'before:package:cleanup': async () => refuseWithoutConsole(),
      'after:deploy:function:initialize': async () => refuseWithoutConsole(),
      'before:remove:remove': async () => {
        const { OVERRIDE, refusalOfRemoval } = await load('./guard.ts');
        const removed = await deployment();
        const refusal = await refusalOfRemoval(removed);
        if (refusal !== null) {
          if (process.env[OVERRIDE] !== removed.stage) refuse(refusal);
          log.warning(`Removing the stack all the same, since ${OVERRIDE} is set. ${refusal}`);
        }
        const { emptyJobBucket } = await load('./job-bucket.ts');
        const report = await emptyJobBucket(removed).catch(({ message }) => refuse(message));
        if (report !== null) log.notice(report);
      },
      'before:aws:deploy:deploy:createStack': async () => {
        await refuseEnvironment();
        const { compiledCloudFormationTemplate } = serverless.service.provider;
        await check(compiledCloudFormationTemplate, await file());
      },
      'after:aws:deploy:deploy:updateStack': async () => {
        const { setProtection } = await load('./guard.ts');
        const isKept = serverless.service.custom.settings.KEEP_TABLE === 'true';
        await setProtection(await deployment(), isKept).catch(({ message }) => refuse(message));
      },
      // This command changes the variables of one function, without CloudFormation.
      'before:deploy:function:initialize': async () => {
        await refuseEnvironment();
        await review(serverless.service.custom.settings, await file());
      },
      'before:rollback:rollback': async () => {
        const { timestamp } = options;
        if (timestamp === undefined) return; // the command only lists deployments
        const { templateOfRollback } = await load('./settings-guard.ts');
        const { service } = serverless.service;
        const provider = serverless.getProvider('aws');
        const template = await templateOfRollback(await provider.getAwsSdkV3Config(), {
          bucket: await provider.getServerlessDeploymentBucketName(),
          folder: `${provider.getDeploymentPrefix()}/${service}/${provider.getStage()}`,
          timestamp,
        }).catch(({ message }) => refuse(message));
        // The settings of a rollback are in its template.
        if (template !== null) await check(template, { isFileMissing: false });
      },
    };
  }
}

/**
 * On Node 20 the framework can't load TypeScript by itself.
 *
 * @param {string} path
 */
async function load(path) {
  const { tsImport } = await import('tsx/esm/api');
  return tsImport(path, import.meta.url);
}
