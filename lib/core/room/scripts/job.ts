import { withoutComments } from './shell.ts';

/** The script below in fewer bytes: without comments and empty lines, and each level is one blank. */
const short = (script: string): string =>
  withoutComments(script)
    .replaceAll(/^(?: {4})+/gm, (blanks) => blanks.slice(0, blanks.length / 4))
    .replaceAll(/\n\n+/g, '\n');

/**
 * The agent of a job, in Python 3.6 or later with nothing but its standard library; cloud-init needs
 * Python too. As the service `onebuck-job-agent`, it fetches the job and its inputs, starts the
 * command when Onebuck says so, sends the log while it grows, makes the last call, and uploads the
 * results. With the argument `run`, it is the parent of the command, in the service `onebuck-job`, so
 * that the command goes on while the agent is restarted.
 *
 * What it knows is in files, each written whole, so that it goes on after a restart and a reboot:
 *
 * - `job`: the job as Onebuck gave it; `staged`: the inputs are there;
 * - `ran`: the command was started. Only who makes this file may start it, so it never runs twice;
 * - `exit`: how the command ended; `last`: when the last call was made;
 * - `sent`: how much of the log Onebuck has; `final`: the last report; `over`: Onebuck has heard it.
 *
 * It is a part of the user data, so it is short.
 */
export const JOB_AGENT = short(String.raw`#!/usr/bin/env python3
import base64, calendar, ctypes, fcntl, http.client, json, os, pathlib, random, select, shutil
import signal, stat, subprocess, sys, tarfile, threading, time, urllib.request, zlib

ETC, WORK, LOG = '/etc/onebuck/', '/root/job', '/var/log/onebuck-job.log'
STATE = ETC + 'job/'
ARCHIVE = STATE + 'results'
# The lock of whoever runs the command. It is on no disk, so that it is gone after a reboot.
LOCK = '/run/onebuck-job'
SEGMENT = 65536
# What is kept of a log: so many bytes of its start, and one segment of its end.
HEAD = 512 * SEGMENT
# What is left of the disk, so that the node goes on.
SPARE = 64 << 20
PAUSES = [1, 2, 4, 8, 15] + [30] * 20
NET = OSError, ValueError, http.client.HTTPException
exists, join, folder_of, real = os.path.exists, os.path.join, os.path.dirname, os.path.realpath
teardown = grace = 0
last = None
stop = False


# The cluster has ended.
class Over(Exception):
    pass


# A download broke off.
class Lost(Exception):
    pass


# Why the command does not run.
class Refused(Exception):
    pass


# The last call came before the command.
class Stopped(Exception):
    pass


def read(path):
    with open(path) as file:
        return file.read()


def put(path, text, is_lasting=True):
    with open(os.open(path + '.job', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
        file.write(text)
        if is_lasting:
            file.flush()
            os.fsync(file.fileno())
    os.rename(path + '.job', path)


def keep(name, value=True, is_lasting=True):
    put(STATE + name, json.dumps(value), is_lasting)


def state(name):
    try:
        return json.loads(read(STATE + name))
    except (OSError, ValueError):
        return None


# Whether this is the first who wants to start the command.
def claim():
    try:
        os.close(os.open(STATE + 'ran', os.O_CREAT | os.O_EXCL))
        os.fsync(os.open(STATE, os.O_RDONLY))
        return True
    except FileExistsError:
        return False


def facts():
    return dict(line.split('=', 1) for line in read(ETC + 'environment').split('\n') if '=' in line)


def share(job):
    ids, part_of = set(), state('share')
    for part in job['tasks'].split(','):
        first, _, end = part.partition('-')
        ids.update(range(int(first), int(end or first) + 1))
    return sorted(ids)[part_of['index']::part_of['of']]


# --- The parent of the command ---

def tell(number):
    parents = {}
    for pid in os.listdir('/proc'):
        try:
            parents[int(pid)] = int(read('/proc/%s/stat' % pid).rsplit(')', 1)[1].split()[1])
        except (OSError, ValueError):
            pass
    found = [os.getpid()]
    for top in found:
        found += [pid for pid in parents if parents[pid] == top]
    for pid in found[1:]:
        try:
            os.kill(pid, number)
        except OSError:
            pass


def run():
    with open(LOCK, 'a') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        if not claim():
            return
        # So that the end of the command can be written though the command has filled the disk.
        put(STATE + 'ballast', ' ' * (1 << 20))
        try:
            ended = supervise(state('job'))
        except Exception as error:
            ended = {'code': None, 'why': 'the command can not be started: %s' % error}
        os.remove(STATE + 'ballast')
        keep('exit', ended)


def supervise(job):
    # Whatever the command leaves behind becomes a child of this one.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    env = dict(os.environ, HOME='/root', USER='root', PYTHONUNBUFFERED='1')
    env.update(facts())
    env.update(job['env'])
    if job['tasks']:
        env['ONEBUCK_TASK_IDS'] = ' '.join(map(str, share(job)))
    write = logger()
    out, into = os.pipe()
    child = subprocess.Popen([shutil.which('bash') or 'sh', '-c', job['command']], cwd=WORK, env=env,
                             stdin=subprocess.DEVNULL, stdout=into, stderr=into,
                             start_new_session=True)
    os.close(into)
    code = until = None
    is_stopped, is_open = False, True

    def on_term(*_):
        nonlocal is_stopped
        if not is_stopped:
            is_stopped = True
            tell(signal.SIGTERM)

    def copy(seconds):
        nonlocal is_open
        if not is_open:
            time.sleep(seconds)
        elif select.select([out], [], [], seconds)[0]:
            data = os.read(out, SEGMENT)
            write(data)
            is_open = data != b''
            return is_open

    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGUSR1, lambda *_: tell(signal.SIGKILL))
    while True:
        copy(0.05)
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == child.pid:
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        # What the command leaves has five seconds to end; in a last call, the time that is left.
        if code is not None and not is_stopped:
            if until is None:
                until = time.time() + 5
                tell(signal.SIGTERM)
            elif time.time() > until:
                tell(signal.SIGKILL)
    while copy(0):
        pass
    return {'code': code, 'isStopped': is_stopped}


def logger():
    log = open(os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb', 0)
    size = 0
    tail = b''

    def write(data):
        nonlocal size, tail
        first = data[:max(HEAD - size, 0)]
        size += len(data)
        tail = (tail + data[len(first):])[-SEGMENT:]
        left = size - HEAD - len(tail)
        try:
            os.write(1, data)
        except OSError:
            pass
        try:
            log.write(first)
            if tail:
                log.seek(HEAD)
                log.write((b'\n[onebuck: %d bytes are left out]\n' % left if left else b'') + tail)
        except OSError:
            pass

    return write


# --- Calls ---

def seconds(iso):
    return calendar.timegm(time.strptime(iso[:19], '%Y-%m-%dT%H:%M:%S'))


def post(body):
    global teardown, stop
    head = {'Authorization': 'Bearer ' + read(ETC + 'token').strip(),
            'Content-Type': 'application/json'}
    request = urllib.request.Request(read(ETC + 'url').strip(), json.dumps(body).encode(), head)
    with urllib.request.urlopen(request, timeout=15) as reply:
        answer = json.loads(reply.read().decode())
    teardown = seconds(answer['teardownAt'])
    stop = stop or answer.get('stop')
    try:
        put(ETC + 'token', answer['token'] + '\n', False)
    except OSError:
        pass
    return answer


# The answer; {}: Onebuck will not take this call; None: it did not answer, and once was enough.
def call(event, once=False, **body):
    pause = 1
    while True:
        try:
            return post(dict(body, event=event))
        except NET + (KeyError, TypeError) as error:
            print(event, error, file=sys.stderr)
            code = getattr(error, 'code', 0)
        if code in (404, 409):
            raise Over
        if code in (400, 413, 422):
            return {}
        if once:
            return None
        time.sleep(pause * (1 + random.random()))
        pause = min(pause * 2, 20)


def is_due():
    return stop or time.time() >= teardown - grace


# --- Inputs ---

class Download:
    def __init__(self, reply):
        self.reply, self.bytes = reply, 0

    def read(self, size):
        if is_due():
            raise Stopped
        try:
            data = self.reply.read(size)
        except NET as error:
            raise Lost(error)
        self.bytes += len(data)
        return data


def stage(job):
    os.makedirs(WORK, exist_ok=True)
    for number in range(len(job['inputs'])):
        for pause in PAUSES:
            try:
                take(job['inputs'][number])
                break
            except Lost as error:
                fault = error
            time.sleep(pause)
            # The old addresses are good for an hour only.
            job = call('job').get('job') or job
        else:
            raise Refused('an input can not be fetched: %s' % fault)


def take(item):
    try:
        reply = urllib.request.urlopen(item['url'], timeout=60)
    except NET as error:
        raise Lost(error)
    fault, source = None, Download(reply)
    with reply:
        try:
            with tarfile.open(fileobj=source, mode='r|gz', bufsize=1 << 18) as archive:
                for member in iter(archive.next, None):
                    unpack(archive, member)
                    # Or the archive would remember a million files.
                    archive.members = []
        except (tarfile.TarError, zlib.error, OSError, ValueError, EOFError) as error:
            fault = error
        while source.read(1 << 20):
            pass
    if source.bytes != item['bytes']:
        raise Lost('%d of %d bytes came' % (source.bytes, item['bytes']))
    if fault:
        raise Refused('an input can not be unpacked: %s' % fault)


def is_inside(path):
    return (real(path) + '/').startswith(real(WORK) + '/')


def unpack(archive, member):
    name = member.name
    path = os.path.normpath(join(real(WORK), name))
    folder = path if path == real(WORK) else folder_of(path)
    if name[:1] == '/' or '..' in name.split('/') or not is_inside(folder):
        raise Refused('an input has %s, which is outside of the folder' % name)
    target = join(real(WORK) if member.islnk() else folder, member.linkname)
    if not is_inside(target):
        raise Refused('an input has %s, a link out of the folder' % name)
    os.makedirs(folder, exist_ok=True)
    if member.isdir():
        os.makedirs(path, exist_ok=True)
        return
    if os.path.islink(path) or os.path.isfile(path):
        os.remove(path)
    if member.issym():
        os.symlink(member.linkname, path)
    elif member.islnk():
        os.link(real(target), path)
    elif member.isreg():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as file:
            source = archive.extractfile(member)
            for data in iter(lambda: source.read(1 << 20), b''):
                disk = os.statvfs(WORK)
                if disk.f_bavail * disk.f_frsize < SPARE:
                    raise Refused('the inputs fill the disk')
                file.write(data)
        os.chmod(path, member.mode & 0o777)
        os.utime(path, (member.mtime, member.mtime))
    else:
        raise Refused('an input has %s, a device' % name)


# --- The command, as the agent sees it ---

# How much of the grace period is left for log and results.
def reserve():
    return min(30, grace / 4)


def kill_at():
    return min(teardown, last + grace) - reserve()


# The number of whoever runs the command, which may be 0 at its start; None: nobody does.
def holder():
    try:
        with open(LOCK) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(lock.read() or 0)
    except OSError:
        pass


def start():
    if os.path.isdir('/run/systemd/system'):
        subprocess.call(['systemctl', 'start', '--no-block', 'onebuck-job'])
    else:
        subprocess.Popen([sys.executable, __file__, 'run'], start_new_session=True)
    for _ in range(600):
        if exists(STATE + 'ran'):
            return
        time.sleep(0.05)
    if claim():
        raise Refused('the command can not be started')


# The command gets its signals in time, also while a call waits for its answer.
def guard():
    global last
    while True:
        try:
            if not last and is_due():
                last = time.time()
                keep('last', last)
            pid = last and holder()
            if pid:
                os.kill(pid, signal.SIGUSR1 if time.time() >= kill_at() else signal.SIGTERM)
        except OSError:
            pass
        time.sleep(0.2)


def follow(log_every):
    is_told, called, shipped, pause = False, time.time(), 0, 0
    while True:
        is_running = holder() is not None
        ended = state('exit')
        if ended or not is_running:
            break
        now = time.time()
        if last and now > kill_at() + reserve() / 2:
            return {'code': None, 'why': 'the command goes on after SIGKILL'}
        heard = None
        if now < pause:
            pass
        elif not is_told:
            heard = is_told = call('started', True) is not None
        elif now - shipped >= log_every and sent() < min(logged(), HEAD):
            shipped = now
            heard = ship(HEAD, 0)
        elif now - called >= max(60, log_every):
            heard = call('alive', True) is not None
        if heard is not None:
            called = now
            pause = 0 if heard else now + 5
        time.sleep(0.2)
    if not is_told:
        call('started')
    if ended and (last or not ended.get('isStopped')):
        return ended
    return {'code': None, 'why': 'the command was ended by ' + (
        'somebody on the node' if exists(LOCK) else 'a reboot of the node')}


# --- Log and results ---

def logged():
    return os.path.getsize(LOG) if exists(LOG) else 0


def sent():
    return state('sent') or 0


# Sends the log up to a byte. Calls are repeated until a time; whether all is sent.
def ship(end, until):
    while sent() < min(logged(), end):
        number = sent() // SEGMENT
        with open(LOG, 'rb') as log:
            log.seek(number * SEGMENT)
            data = log.read(SEGMENT)
        if call('log', True, segment=number, data=base64.b64encode(data).decode()) is not None:
            keep('sent', number * SEGMENT + len(data), False)
        elif time.time() < until:
            time.sleep(1 + random.random())
        else:
            return False
    return True


def finish(ended):
    code, notes = ended['code'], [ended['why']] if 'why' in ended else []
    is_last = bool(last and ended.get('isStopped', True))
    ship(HEAD + 2 * SEGMENT, (kill_at() if is_last else teardown) + reserve() / 2)
    call('exited', exitCode=code, detail=''.join(notes))
    results = None
    try:
        results = collect(state('job')['results'], notes)
    except OSError as error:
        notes.append('the results can not be saved: %s' % error)
    report(code, is_last, '; '.join(notes), results)


def report(code, is_last, detail, results=None):
    body = {'exitCode': code, 'lastCall': is_last, 'detail': detail[:480], 'results': results}
    try:
        keep('final', body)
        os.remove(ARCHIVE)
    except OSError:
        pass
    close(body)


def close(body):
    # An end that Onebuck refuses is told with nothing but how the command ended.
    if not call('ended', **body):
        call('ended', **dict(body, detail='', results=None))
    keep('over')


def collect(patterns, notes):
    todo, seen, left_out = [], set(), []
    size = files = 0
    is_empty = True
    for pattern in patterns:
        found = matching(pattern)
        todo += found
        if not found:
            notes.append('there is no %s' % pattern)
    with tarfile.open(ARCHIVE, 'w:gz', compresslevel=1, format=tarfile.GNU_FORMAT) as archive:
        while todo:
            path = todo.pop()
            # By the real name of its folder, so that nothing in the archive is below a link.
            path = join(real(folder_of(path)), os.path.basename(path))
            name = os.path.relpath(path, real(WORK))
            if path in seen:
                continue
            seen.add(path)
            if not is_inside(folder_of(path)) and name != '.':
                left_out.append(name)
                continue
            info, source = tarfile.TarInfo(name), None
            try:
                found = os.lstat(path)
                if stat.S_ISLNK(found.st_mode):
                    if not is_inside(path):
                        left_out.append(name)
                        continue
                    todo.append(real(path))
                    info.type = tarfile.SYMTYPE
                    info.linkname = os.path.relpath(real(path), folder_of(path))
                elif stat.S_ISDIR(found.st_mode):
                    todo += [join(path, each) for each in os.listdir(path)]
                    info.type = tarfile.DIRTYPE
                elif stat.S_ISREG(found.st_mode):
                    source = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), 'rb')
                    info.size = os.fstat(source.fileno()).st_size
                    size += info.size
                    files += 1
                else:
                    continue
            except OSError:
                # It is gone, perhaps since a moment ago.
                continue
            info.mode, info.mtime = found.st_mode & 0o777, int(found.st_mtime)
            archive.addfile(info, source and Whole(source))
            archive.members = []
            is_empty = False
    if left_out:
        notes.append('out of the folder: ' + ', '.join(left_out[:3]))
    if is_empty:
        return None
    length = os.path.getsize(ARCHIVE)
    name = upload(length)
    if name:
        return {'name': name, 'bytes': length, 'unpackedBytes': size, 'files': files}
    notes.append('%d bytes of results can not be uploaded' % length)


# As many bytes as a file had when it was opened, though it became shorter meanwhile.
class Whole:
    def __init__(self, file):
        self.file = file

    def read(self, size):
        data = self.file.read(size)
        return data + bytes(size - len(data))


def matching(pattern):
    path = os.path.normpath(join(real(WORK), pattern))
    if os.path.lexists(path):
        return [path]
    try:
        return [str(path) for path in pathlib.Path(real(WORK)).glob(pattern)]
    except (ValueError, NotImplementedError, IndexError, OSError):
        return []


def upload(length):
    for pause in PAUSES:
        target = call('upload', bytes=length).get('upload')
        if not target:
            return None
        head = {'Content-Length': str(length), 'Content-Type': 'application/gzip'}
        try:
            with open(ARCHIVE, 'rb') as file:
                request = urllib.request.Request(target['url'], file, head, method='PUT')
                urllib.request.urlopen(request, timeout=60).close()
            return target['name']
        except NET as error:
            print('upload', error, file=sys.stderr)
        time.sleep(pause)


# --- The agent ---

def work():
    global grace, last
    job = state('job') if state('staged') else call('job').get('job')
    if not job:
        return
    keep('job', job)
    grace, last = job['gracePeriodSeconds'], state('last')
    if not exists(STATE + 'ran'):
        if not state('staged'):
            stage(job)
            keep('staged')
        began = time.time()
        while True:
            answer = call('staged')
            if answer.get('start') == 'never' or job['on'] == 'head' and facts()['ONEBUCK_RANK'] != '0':
                return keep('over')
            if is_due():
                raise Stopped
            if answer.get('start') == 'go':
                break
            pause = 1 if time.time() - began < 30 else 3
            time.sleep(max(pause, answer.get('askAgainSeconds', 0)))
        keep('share', answer.get('share'))
        if job['tasks'] and not share(job):
            return report(0, False, 'this node has no task')
        start()
    threading.Thread(target=guard, daemon=True).start()
    finish(follow(job['logEverySeconds']))


def main():
    global teardown
    os.makedirs(STATE, 0o700, exist_ok=True)
    teardown = seconds(read(ETC + 'teardown-at'))
    try:
        final = state('final')
        if final:
            close(final)
        else:
            work()
    except Stopped:
        report(None, True, 'the last call came before the command could start')
    except Refused as error:
        report(None, False, str(error))
    except Over:
        pass


if sys.argv[1:] == ['run']:
    run()
elif not exists(STATE + 'over'):
    main()
`);
