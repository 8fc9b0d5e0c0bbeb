// Preloaded into a process with a channel to the one that started it: it must not outlive that one,
// even if that was killed without a chance to say so.
process.on('disconnect', () => process.exit(1));
// Nor is the channel to keep it from ending by itself.
process.channel?.unref();
