const { join } = require('node:path');
const { require: requireTypeScript } = require('tsx/cjs/api');

const { settingsOf } = requireTypeScript('./settings.ts', __filename);

/**
 * The settings for serverless.yml.
 *
 * @param {{ resolveVariable(name: string): Promise<string> }} input
 */
module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('sls:stage');
  try {
    return settingsOf(stage, { folder: join(__dirname, '..'), env: process.env });
  } catch (error) {
    // Of an error the framework would print the stack.
    throw error instanceof Error ? `\n${error.message}` : error;
  }
};
