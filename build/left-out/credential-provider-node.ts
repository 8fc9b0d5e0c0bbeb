/*
 * Replaces `@aws-sdk/credential-provider-node` in the bundles. Lambda puts a function's credentials
 * into its environment, so the functions need to look nowhere else.
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
