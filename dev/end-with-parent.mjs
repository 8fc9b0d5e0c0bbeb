// Preloaded into the functions' process: it must not outlive the one that started it, even if that
// was killed without a chance to say so.
process.on('disconnect', () => process.exit(1));
