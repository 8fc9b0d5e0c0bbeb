// The emulator loads a handler by `require` without an extension, which does not find .cjs files.
// Lambda itself finds them.
const Module = require('node:module');
Module._extensions['.cjs'] ??= Module._extensions['.js'];
