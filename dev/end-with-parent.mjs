// A child process with a channel to its parent loads this first. The child must not outlive its
// parent, even if the parent is killed by SIGKILL: the channel then closes.
process.on('disconnect', () => process.exit(1));
// Without this, the open channel would keep the child from ending when its work is done.
process.channel?.unref();
