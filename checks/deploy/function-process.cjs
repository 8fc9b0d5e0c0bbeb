// The emulator loads this file into the process of each function.

// The emulator loads a handler by `require` without an extension, which does not find .cjs files.
// Lambda itself finds them.
const Module = require('node:module');
Module._extensions['.cjs'] ??= Module._extensions['.js'];

// AWS's clients add this id to each request, by which the recorder (recorder.ts) knows the function.
const { AWS_LAMBDA_FUNCTION_NAME: name } = process.env;
if (name !== undefined) process.env.AWS_SDK_UA_APP_ID = name;
