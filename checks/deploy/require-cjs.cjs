// For an emulator that looks for a handler by `require` alone: Lambda itself finds .cjs files too.
const Module = require('node:module');
Module._extensions['.cjs'] ??= Module._extensions['.js'];
