/*
 * In bundles in place of `@aws-sdk/credential-provider-node`: Lambda puts a function's credentials
 * into its environment, and nowhere else do we look for them.
 */
export { fromEnv as defaultProvider } from '@aws-sdk/credential-provider-env';
