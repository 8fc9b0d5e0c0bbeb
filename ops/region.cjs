process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const { SecretsManagerClient } = require('@aws-sdk/client-secrets-manager');

/**
 * The region of the stack where `--region` names none: AWS_REGION, or the region of the AWS
 * profile. `npm run setup` finds the region of the secret by the same client. Commands that only
 * read serverless.yml need some region, though there may be none.
 *
 * @param {{ options: Readonly<Record<string, unknown>> }} input
 */
module.exports = async ({ options }) => {
  const profile = options['aws-profile'];
  const client = new SecretsManagerClient(typeof profile === 'string' ? { profile } : {});
  return client.config.region().catch(() => 'us-east-1');
};
