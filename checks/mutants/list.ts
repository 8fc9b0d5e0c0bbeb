/** A bug to put in on purpose. In lib/core the list has only bugs that Stryker does not make. */
export interface Mutant {
  /** A sentence that says how Onebuck misbehaves with the bug. */
  readonly name: string;
  readonly file: string;
  /** The code that the bug replaces; must be in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** The test files of which one must catch the bug, the fastest first. */
  readonly tests: readonly string[];
}

type Bugs = Readonly<Record<string, { readonly from: string; readonly to: string }>>;

function inFile(file: string, tests: readonly string[], bugs: Bugs): Mutant[] {
  return Object.entries(bugs).map(([name, { from, to }]) => ({ name, file, from, to, tests }));
}

const money = inFile('lib/core/base/money.ts', ['test/unit/core/base/money.test.ts'], {
  'a price beyond six decimals is rounded down': {
    from: 'isNoise ? nearest : Math.ceil(micro)',
    to: 'isNoise ? nearest : Math.floor(micro)',
  },
  "a float's noise makes a price dearer": {
    from: 'const isNoise = Math.abs(micro - nearest) <= nearest * 1e-12;',
    to: 'const isNoise = micro === nearest;',
  },
  'the decimals of an amount are read from the wrong end': {
    from: 'Number(decimals.padEnd(DECIMALS_MAX',
    to: 'Number(decimals.padStart(DECIMALS_MAX',
  },
  'amounts are shown without the zeros in between': {
    from: "decimals.slice(2).replace(/0+$/, '')",
    to: "decimals.slice(2).replace(/0/g, '')",
  },
});

const names = inFile('lib/core/base/names.ts', ['test/unit/core/base/names.test.ts'], {
  'a reap tag is rounded up, past the teardown time': {
    from: 'const iso = new Date(teardownAt).toISOString();',
    to: 'const iso = new Date(teardownAt + 59_999).toISOString();',
  },
  'a new reap tag drops all other tags': {
    from: '...tags.filter((tag) => !/^reap=/i.test(tag)),',
    to: '...tags.filter((tag) => !/^[a-z]+=/i.test(tag)),',
  },
});

const billing = inFile('lib/core/billing/bill.ts', ['test/unit/core/billing/bill.test.ts'], {
  'a started hour is billed only once it is over': {
    from: 'const next = Math.ceil((end - node.billedFrom) / HOUR);',
    to: 'const next = Math.floor((end - node.billedFrom) / HOUR);',
  },
  'an hour mark begins the next hour': {
    from: 'const next = Math.ceil((end - node.billedFrom) / HOUR);',
    to: 'const next = Math.floor((end - node.billedFrom) / HOUR) + 1;',
  },
  'the first hour is free until it has begun': {
    from: 'Math.max(hoursOf(first), 1)',
    to: 'hoursOf(first)',
  },
  'an hour across the end of a month counts in the first alone': {
    from: 'Math.ceil(before) : Math.floor(before)',
    to: 'Math.ceil(before) : Math.ceil(before)',
  },
  'the months of a bill have hours in both although the price has them once': {
    from: 'monthsOf(node, at, node.price.monthEndHour);',
    to: 'monthsOf(node, at);',
  },
  'the monthly price does not stop the bill': {
    from: 'Math.min(hoursBilled * hourly, monthly ?? Number.POSITIVE_INFINITY);',
    to: 'hoursBilled * hourly;',
  },
  'a plan without a monthly price stops after 667 hours': {
    from: 'Math.min(hoursBilled * hourly, monthly ?? Number.POSITIVE_INFINITY);',
    to: 'Math.min(hoursBilled * hourly, monthly ?? 667 * hourly);',
  },
  'a deleted node is billed on': {
    from: 'Math.min(at, node.billedUntil ?? at);',
    to: 'at;',
  },
  'the last affordable instant is one too late': {
    from: 'return epochMs(from);',
    to: 'return epochMs(from + 1);',
  },
  'maxHours lasts an hour too long': {
    from: '(node.hoursFrom ?? node.billedFrom) + maxHours * HOUR',
    to: '(node.hoursFrom ?? node.billedFrom) + (maxHours + 1) * HOUR',
  },
  'the margin is not taken off': {
    from: 'return minus(lastAffordable(nodes, limits), limits.marginMs);',
    to: 'return lastAffordable(nodes, limits);',
  },
  'the margin is taken off twice': {
    from: 'return minus(lastAffordable(nodes, limits), limits.marginMs);',
    to: 'return minus(minus(lastAffordable(nodes, limits), limits.marginMs), limits.marginMs);',
  },
});

const price = inFile('lib/core/billing/price.ts', ['test/unit/core/billing/bill.test.ts'], {
  'what backups cost is forgotten': {
    from: 'hourly: sum([base.hourly, addon.hourly])',
    to: 'hourly: base.hourly',
  },
  'backups without a monthly price are free beyond the plan’s': {
    from: 'base.monthly === null || addon.monthly === null ? null',
    to: 'base.monthly === null ? null : addon.monthly === null ? base.monthly',
  },
});

const inventories = [
  ...inFile('lib/core/cluster/inventory.ts', ['test/unit/core/cluster/inventory.test.ts'], {
    'the file for ssh takes any host key': {
      from: "StrictHostKeyChecking: 'yes',",
      to: "StrictHostKeyChecking: 'accept-new',",
    },
    'Open MPI tries the public addresses': {
      from: 'privateIp ?? ipv4',
      to: 'ipv4',
    },
  }),
  ...inFile('lib/app/host-key.ts', ['test/unit/app/host-key.test.ts'], {
    'a key is named that the nodes do not have': {
      from: 'if (!isRoom(record)) return null;',
      to: '',
    },
  }),
];

const quote = inFile('lib/core/cluster/quote.ts', ['test/unit/core/cluster/quote.test.ts'], {
  'the price of one node is quoted for all': {
    from: 'const hourly = times(price.hourly, nodes);',
    to: 'const hourly = price.hourly;',
  },
  'the quote leaves out the most hours': {
    from: 'lastAffordable(billed, { budget: microUsd(budget - reserved), maxHours })',
    to: 'lastAffordable(billed, { budget: microUsd(budget - reserved), maxHours: null })',
  },
});

const cluster = inFile(
  'lib/core/cluster/record.ts',
  ['test/unit/core/cluster/record.test.ts', 'test/unit/core/cluster/change.test.ts'],
  {
    'a node is billed from when it was seen': {
      from: 'billedFrom: earliest(linode.created, seenAt),',
      to: 'billedFrom: seenAt,',
    },
    'backups that were cancelled were never billed': {
      from: 'backups: machine.backups || known.backups',
      to: 'backups: machine.backups',
    },
    'a long history forgets the launch': {
      from: 'return { ...record, history: [first, ...rest.slice(-(HISTORY_ENTRIES_MAX - 1))] };',
      to: 'return { ...record, history: [first, ...rest].slice(-HISTORY_ENTRIES_MAX) };',
    },
  },
);

const observe = inFile('lib/core/pass/observe.ts', ['test/unit/core/pass/observe.test.ts'], {
  'a known node is looked for by its label': {
    from: "return 'linodeId' in node",
    to: "return 'linodeId' in node && node.state !== 'created'",
  },
  'a node that one list does not show is gone': {
    from: "return node.state === 'deleting' ? withoutMachine(node, now) : node;",
    to:
      "return node.state === 'deleting' || node.state === 'created'\n" +
      "      ? { ...node, state: 'gone', billedUntil: now }\n      : node;",
  },
  'a node stays gone though the list shows it': {
    from: "const deleting = { ...known, state: 'deleting', status: linode.status } as const;",
    to: 'const deleting = { ...known, status: linode.status } as NodeIn<"deleting">;',
  },
  'a node seen again is billed from its new time of creation': {
    from: '...machineSeenAgain(node, linode, now) },',
    to: '...machineOf(linode, now) },',
  },
});

const members = inFile('lib/core/cluster/members.ts', ['test/unit/core/cluster/members.test.ts'], {
  'a Linode of another deployment is taken for ours': {
    from: 'if (!linode.tags.includes(ours)) return node',
    to: 'if (linode.tags.length === 0) return node',
  },
  'a Linode of another cluster is taken for this one’s': {
    from: 'return node !== undefined || clusterNamedBy(linode) === record.id;',
    to: 'return node !== undefined || clusterNamedBy(linode) !== null;',
  },
});

const apply = inFile('lib/core/pass/apply.ts', ['test/unit/core/pass/apply.test.ts'], {
  'a deleted node that was there after all is billed to the first answer': {
    from: 'return { ...deleting, billedUntil: at, accepted, ...again };',
    to: 'return { ...deleting, accepted, ...again };',
  },
  'a deleted node is gone before the list says so': {
    from: "return { ...alive, ...found, state: 'deleting', billedUntil: at };",
    to: "return { ...alive, ...found, state: 'gone', billedUntil: at };",
  },
  'an outcome is written to another node': {
    from: '(node.index === index ? change(node) : node)',
    to: '(node.index >= index ? change(node) : node)',
  },
  'backups of a node that was just made are not learned of': {
    from: 'return withTroublesNoted(withBackupsLearned(noted), record, at);',
    to: 'return withTroublesNoted(noted, record, at);',
  },
});

const plan = inFile('lib/core/pass/plan.ts', ['test/unit/core/pass/plan.test.ts'], {
  'a list that could not be read is taken for an empty one': {
    from: 'const linodes = observed === null ? null : membersOf(seen, observed);',
    to: 'const linodes = membersOf(seen, observed ?? []);',
  },
  'more creates are sent than the rate limit takes': {
    from: 'const sending = sendable.slice(0, CREATES_PER_PASS);',
    to: 'const sending = sendable.slice(0, CREATES_PER_PASS * 5);',
  },
  'a create is sent again with another reap tag': {
    from: 'const [reap = current] = [...record.reapTags, current].sort();',
    to: 'const [reap = current] = [current, ...record.reapTags];',
  },
  'a create bears no tag of its cluster': {
    from: 'const tags = [ownershipTag(record.stage), clusterTag(record.id), reap,',
    to: 'const tags = [ownershipTag(record.stage), reap,',
  },
  'a create bears no tag of its deployment': {
    from: 'const tags = [ownershipTag(record.stage), clusterTag(record.id), reap,',
    to: 'const tags = [clusterTag(record.id), reap,',
  },
  'what comes up late is kept': {
    from: 'return late.flatMap((node) => deletion(record, node, linodes, now));',
    to: 'return late.flatMap((node) => (isUp(node) ? deletion(record, node, linodes, now) : []));',
  },
  'a node that the list does not show is not deleted': {
    from: 'if (!isExisting(node)) return [];',
    to:
      'if (!isExisting(node)) return [];\n' +
      '  if (linodes !== null && linodeOf(node, linodes) === undefined) return [];',
  },
  'a cluster ends although a create may still land': {
    from: "nodes.every(({ state }) => state === 'gone' || state === 'neverCreated');",
    to: "nodes.every(({ state }) => state === 'gone' || state === 'neverCreated' || state === 'creating');",
  },
  'an overspend is not recorded': {
    from: 'const overspent = microUsd(Math.max(0, spent - record.budget));',
    to: 'const overspent = microUsd(0);',
  },
});

const orphans = inFile('lib/core/cluster/orphans.ts', ['test/unit/core/cluster/orphans.test.ts'], {
  'a live record protects nothing from its reap tag': {
    from: 'record === undefined\n        ? withoutRecord',
    to: 'record === undefined || isLive(record)\n        ? withoutRecord',
  },
  'a destruction that does not get on is never taken over': {
    from: 'const at = plus(record.deletingSince, OVERDUE_AFTER);',
    to: 'const at = plus(now, OVERDUE_AFTER);',
  },
  'what an ended cluster left behind is protected by its record': {
    from: 'if (!isLive(record)) return { at: record.endedAt,',
    to: "if (record.phase === 'deleted') return null;\n  if (!isLive(record)) return { at: record.endedAt,",
  },
  'the reap tag is ignored where there is no record': {
    from: 'if (reapAt !== null) return { at: reapAt,',
    to: 'if (reapAt !== null && !recordsRead) return { at: reapAt,',
  },
  'a Linode whose tags are in the making is destroyed at once': {
    from: 'const at = plus(linode.created, UNMARKED_GRACE);',
    to: 'const at = linode.created;',
  },
});

const change = inFile('lib/core/cluster/change.ts', ['test/unit/core/cluster/change.test.ts'], {
  'a budget is taken that can not be kept': {
    from: 'if (planned === null || budget < smallestBudget) {',
    to: 'if (planned === null || budget < spentAt(record, now)) {',
  },
  'fewer hours are taken than can be kept': {
    from: 'if (maxHours !== null && maxHours < smallestMaxHours) {',
    to: 'if (maxHours !== null && maxHours < smallestMaxHours - 1) {',
  },
  'no pass follows a change': {
    from: 'budget, maxHours, dueAt: now };',
    to: 'budget, maxHours };',
  },
  'a change of the budget takes the limit of hours away': {
    from: 'const { budget = record.budget, maxHours = record.maxHours } = change;',
    to: 'const { budget = record.budget, maxHours = null } = change;',
  },
});

const owners = [
  ...inFile('lib/app/caps-keeper.ts', ['test/unit/handlers/owners.test.ts'], {
    'a revoked owner launches by a token of the secret': {
      from: 'record !== null && record.revokedAt !== null',
      to: 'record === null',
    },
  }),
  ...inFile('lib/app/manage-owners.ts', ['test/unit/handlers/owners.test.ts'], {
    'anybody manages owners': {
      from: 'if (caller === ADMIN) return;',
      to: '',
    },
    'a second POST shows a new token of an owner': {
      from: '(before !== null && before.revokedAt === null) || ',
      to: '',
    },
    'an owner who is revoked keeps the tokens': {
      from: '    tokens: [],\n    revokedAt: record.revokedAt ??',
      to: '    revokedAt: record.revokedAt ??',
    },
    'an owner named constructor has tokens in the secret': {
      from: 'Object.hasOwn(tokens, owner) ? (tokens[owner] ?? []).length : 0;',
      to: '(tokens[owner] ?? []).length;',
    },
  }),
  ...inFile('lib/core/caps/owners.ts', ['test/unit/handlers/owners.test.ts'], {
    'no cap of an owner is the cap of the deployment': {
      from: "cap === 'none' ? null : (cap ?? byDefault[period])",
      to: "cap === 'none' ? byDefault[period] : (cap ?? byDefault[period])",
    },
    'a token with a limit makes schedules': {
      from: "monthlyMax === null ? 'manage' : 'launch'",
      to: "'manage'",
    },
  }),
];

const periods = inFile('lib/core/billing/periods.ts', ['test/unit/core/caps/ledger.test.ts'], {
  'weeks begin on Thursday': {
    from: 'const DAYS_BEFORE_EPOCH = 3;',
    to: 'const DAYS_BEFORE_EPOCH = 0;',
  },
  'an hour that touches two weeks counts twice in a sum': {
    from: 'return Math.min(started * node.price.hourly, spend([node], at));',
    to: 'return (started + 1) * node.price.hourly;',
  },
});

const ledger = inFile('lib/core/caps/ledger.ts', ['test/unit/core/caps/ledger.test.ts'], {
  'a cap is asked only whether it is passed already': {
    from: 'if (limit === null || taken + claim.budget <= limit) return [];',
    to: 'if (limit === null || taken <= limit) return [];',
  },
  'the cap of a month leaves out what was spent': {
    from: 'return months[name] ?? microUsd(0);',
    to: 'return microUsd(0);',
  },
  'the cap of a month leaves out live budgets': {
    from: 'sum([open, spentIn(',
    to: 'sum([spentIn(',
  },
  'a released budget stays counted': {
    from: '    ...rest,\n    spent: kept(',
    to: '    ...ledger,\n    spent: kept(',
  },
  'a week takes no notice of what nobody counted by days': {
    from: 'if ((ledger.recentSince ?? now) <= start) return',
    to: 'if (now > 0) return',
  },
  'a week in two months counts the second only': {
    from: 'new Set([monthName(start), monthName(now)])',
    to: 'new Set([monthName(now)])',
  },
  'a ledger never learns since when it counts by days': {
    from: 'const recentSince = ledger.recentSince ?? now;',
    to: 'const { recentSince } = ledger;',
  },
  'what burns an hour is not asked of new clusters': {
    from: 'return taken + wanted <= limit ? null',
    to: 'return wanted <= limit ? null',
  },
  'a cluster without a price costs nothing an hour': {
    from: '  hourly ?? budget;',
    to: '  hourly ?? (0 as typeof budget);',
  },
  'a cheaper request for the same cluster takes the price of the dearer': {
    from: 'microUsd(Math.max(...known))',
    to: 'microUsd(Math.min(...known))',
  },
  'the cap that resets first is named': {
    from: '|| end(b) - end(a))[0]',
    to: '|| end(a) - end(b))[0]',
  },
  'days and weeks are kept for ever': {
    from: 'return end > minus(at, RECENT_KEPT);',
    to: 'return end > 0;',
  },
});

const reconcile = inFile('lib/app/reconcile.ts', ['test/unit/app/reconcile.test.ts'], {
  'nodes that were sent are not listed': {
    from: "record.nodes.every(({ state }) => state === 'planned')",
    to: "record.nodes.every(({ state }) => state === 'planned' || state === 'creating')",
  },
  'a list that fails is taken for an empty one': {
    from: 'return { linodes: null, failures: [failure] };',
    to: 'return { linodes: [], failures: [failure] };',
  },
  'a pass tries to list until the margin is over': {
    from: 'const listBy = earliest(by, plus(deps.clock.now(), LIST_TIME_MAX));',
    to: 'const listBy = by;',
  },
  'the budget of an ended cluster is never released': {
    from: 'await deps.caps.release(record, by).catch(',
    to: 'await Promise.resolve().catch(',
  },
  'a budget is released though the end was not saved': {
    from: `if (saved === 'conflict' && !(await isSaved(deps.store, record))) return;\n`,
    to: '',
  },
  'an overspend is told to nobody': {
    from: 'if (record.overspent > 0) {',
    to: 'if (record.overspent > record.budget) {',
  },
});

const sweep = inFile('lib/app/sweep.ts', ['test/unit/app/sweep.test.ts'], {
  'the sweeper reads the records before it lists': {
    from:
      'const linodes = [...listed, ...(await leftOut(deps, awaited, listed, limits.by))];\n' +
      '    awaited = [];\n' +
      '    const records = await readRecords(deps, linodes);',
    to:
      'const records = await readRecords(deps, listed);\n' +
      '    const linodes = await deps.linode.listByTag(ownershipTag(deps.stage), limits.by);',
  },
  'the sweeper takes a list that failed for an empty one': {
    from: 'if (!(error instanceof PartialListError)) throw error;',
    to: 'if (!(error instanceof PartialListError)) return [];',
  },
  'the sweeper believes one list': {
    from: 'let awaited: readonly Linode[] = await list();',
    to: 'let awaited: readonly Linode[] = [];',
  },
  'the sweeper forgets what it waited for': {
    from: 'awaited = later.map(({ linode }) => linode);\n',
    to: '',
  },
  'records that can not be read are taken for none': {
    from: 'return null;\n',
    to: 'return { records: [], unreadable: [] };\n',
  },
  'the sweeper does not wait for what is due before its next run': {
    from: 'at > now && at <= horizon);',
    to: 'at > now && at < now);',
  },
  'the sweeper destroys what is due before its next run at once': {
    from: 'const due = orphans.filter(({ at }) => at <= now);',
    to: 'const due = orphans.filter(({ at }) => at <= horizon);',
  },
  'the sweeper ends well though it left an orphan': {
    from: 'if (failures.length === 0) return { destroyed };',
    to: 'if (failures.length >= 0) return { destroyed };',
  },
  'an orphan that can not be destroyed spares those that fall due after it': {
    from: 'failures.push(...failed);',
    to: 'if (failed.length > 0) return { destroyed, failures: failed, clusters: [] };',
  },
  'the caps are audited in vain without a word': {
    from: 'if (failures.length === 0) throw error;',
    to: 'if (failures.length > 0) throw error;',
  },
  'the audit is not told of clusters that the ledger forgot': {
    from: 'caps.audit(readRecords, clusters);',
    to: 'caps.audit(readRecords, []);',
  },
});

const unreadable = [
  ...inFile('lib/adapters/dynamodb/clusters.ts', ['test/unit/adapters/dynamodb/clusters.test.ts'], {
    'a list of live clusters reads the history': {
      from: "if (status !== 'live' && (status === null || !livePhases.includes(status))) {",
      to: "if (status !== 'live') {",
    },
    'a large record is written whole, and throttles the index of all clusters': {
      from: 'Buffer.byteLength(json) <= PLAIN_BYTES_MAX',
      to: 'json.length > 0',
    },
    'a record that has outgrown its item can not be saved, and its cluster never ends': {
      from: 'fitting: (record) => withinBytes(record, RECORD_BYTES_MAX),',
      to: 'fitting: (record) => record,',
    },
  }),
  ...inFile('lib/app/keep-inputs.ts', ['test/flows/schedule-inputs.test.ts'], {
    'a schedule that changes needs its inputs uploaded again': {
      from: 'return (await files.size(kept)) !== null;',
      to: 'return false;',
    },
  }),
  ...inFile('lib/app/change-schedule.ts', ['test/flows/schedule-inputs.test.ts'], {
    'inputs that no run of a schedule needs are kept for ever': {
      from: 'await forgetInputs(deps.files, saved.id, others);',
      to: '',
    },
  }),
  ...inFile(
    'lib/adapters/aws/s3.ts',
    ['test/unit/adapters/aws/s3.test.ts', 'test/unit/simulators/aws/s3.test.ts'],
    {
      'the URL of an upload takes a body of any length': {
        from: 'sign(new PutObjectCommand({ Bucket, Key, ContentLength }), expiresIn),',
        to: 'sign(new PutObjectCommand({ Bucket, Key }), expiresIn),',
      },
      'a plain PUT by a URL is refused, as it has no checksum': {
        from: "requestChecksumCalculation: 'WHEN_REQUIRED',",
        to: "requestChecksumCalculation: 'WHEN_SUPPORTED',",
      },
      'files that may not be read seem to be missing': {
        from: "['NotFound', 'NoSuchKey'].includes(error.name)",
        to: "['NotFound', 'NoSuchKey', 'AccessDenied'].includes(error.name)",
      },
      'a key with a % is copied from another': {
        from: "from.split('/').map(encodeURIComponent).join('/')",
        to: "from.split('/').join('/')",
      },
    },
  ),
  ...inFile(
    'lib/adapters/aws/secrets-manager.ts',
    ['test/unit/adapters/aws/secrets-manager.test.ts'],
    {
      'a malformed secret keeps all from being destroyed': {
        from: "await fieldsOf('AWSPREVIOUS').catch(() => null);",
        to: 'null as Fields | null;',
      },
      'API tokens that were revoked come back with the version before': {
        from: 'const others = fields ?? {',
        to: 'const others = previous ?? {',
      },
      'each wrong API token costs a read of the secret': {
        from: 'const AGE_MAX_FOR_NEW_TOKENS = seconds(5);',
        to: 'const AGE_MAX_FOR_NEW_TOKENS = seconds(0);',
      },
    },
  ),
  ...inFile('lib/app/authorize.ts', ['test/unit/app/authorize.test.ts'], {
    'a new API token is refused for 5 minutes': {
      from: ' ?? (await inSecret(true));',
      to: ';',
    },
    'the table is read for tokens that it can not have': {
      from: 'named === null ? null : await',
      to: 'await',
    },
    'strangers learn what the table answers': {
      from: 'await owners.get(named).catch(withoutCode);',
      to: 'await owners.get(named);',
    },
    'an unknown token is taken for the admin': {
      from: 'if (found === null) {',
      to: "if (found === null) return { owner: 'admin', monthlyMax: null };\n  if (found === null) {",
    },
    'a token works on after it has expired': {
      from: 'expiresAt !== null && expiresAt <= clock.now()',
      to: 'expiresAt !== null && expiresAt < clock.now()',
    },
    'a token may do more than it may': {
      from: 'RIGHTS.indexOf(right) < RIGHTS.indexOf(needed)',
      to: 'RIGHTS.indexOf(right) < RIGHTS.indexOf(needed) - 1',
    },
    'the monthly limit of a token is forgotten': {
      from: 'return { owner: found.owner, monthlyMax };',
      to: 'return { owner: found.owner, monthlyMax: null };',
    },
  }),
  ...inFile('lib/core/catalogue/choose.ts', ['test/unit/core/catalogue/choose.test.ts'], {
    'a region is taken that lacks the only interfaces of the account': {
      from: 'extras.interfaces === undefined || region.capabilities.includes(LINODE_INTERFACES)',
      to: 'true',
    },
    'clusters are launched as if hours across a month’s end counted twice, whatever the setting': {
      from: 'const base = readAs(listed, extras.monthEndHour);',
      to: 'const base = listed;',
    },
    'a type is taken whose disk is too small for the image': {
      from: 'image === null || diskMb >= image.diskMb;',
      to: 'true;',
    },
    'a quote does not say that the image decided on the type': {
      from: 'imageMb: ofAnyDisk.value?.id === type.value.id ? null : image.value.diskMb,',
      to: 'imageMb: null,',
    },
  }),
  ...inFile('lib/app/catalogue-cache.ts', ['test/unit/app/catalogue-cache.test.ts'], {
    'nobody can launch from a recovery image': {
      from: 'return [...images, ...(await catalogue.recoveryImages(by))];',
      to: 'return images;',
    },
  }),
  ...inFile('lib/core/cluster/public-key.ts', ['test/unit/core/cluster/public-key.test.ts'], {
    'a key whose blob is of another type is taken': {
      from: 'name === undefined || textOf(name) !== type || !check(fields)',
      to: 'name === undefined || !check(fields)',
    },
    'bits after the end of a key are overlooked': {
      from: 'if (btoa(binary) !== base64) return null;',
      to: '',
    },
  }),
  ...inFile(
    'lib/adapters/dynamodb/schedules.ts',
    ['test/unit/adapters/dynamodb/schedules.test.ts'],
    {
      'a schedule that was kept with a text for its budget can not launch': {
        from: '? { ...spec, budgetUsd: toUsd(parsed.value) } : spec;',
        to: '? spec : spec;',
      },
    },
  ),
  ...inFile('lib/core/cluster/spec.ts', ['test/flows/life.test.ts'], {
    "nodes get a password although their users' keys log in": {
      from: 'spec.authorizedKeys.length > 0 || spec.authorizedUsers.length > 0;',
      to: 'spec.authorizedKeys.length > 0;',
    },
  }),
  ...inFile('lib/app/user-data.ts', ['test/unit/app/user-data.test.ts'], {
    'user data as bytes is forgotten': {
      from: 'userData === null ? userDataBase64 :',
      to: 'userData === null ? null :',
    },
  }),
  ...inFile('lib/core/base/fields.ts', ['test/unit/core/cluster/spec.test.ts'], {
    'joiners make two names of Latin letters look the same': {
      from: "...['Oriya',",
      to: "...['Latin', 'Oriya',",
    },
  }),
  ...inFile('handlers/api.ts', ['test/unit/handlers/front-door.test.ts'], {
    'routes that need a token take requests without one': {
      from: "if (access === 'open') return { caller: NOBODY, agent: null };",
      to: "if (access === 'open' || authorization === undefined) return { caller: NOBODY, agent: null };",
    },
    'the limit of a token does not hold for launches': {
      from: 'idempotencyKey, schedule: null, tokenCap, by };',
      to: 'idempotencyKey, schedule: null, by };',
    },
    'the limit of a token does not hold for higher budgets': {
      from: '{ owner, id, input, tokenCap, by }',
      to: '{ owner, id, input, by }',
    },
  }),
  ...inFile('lib/http/console-views.ts', ['test/unit/handlers/front-door.test.ts'], {
    'a program with a token is sent to the console': {
      from: ' || headers.authorization !== undefined;',
      to: ';',
    },
  }),
  ...inFile('lib/wire.ts', ['test/unit/wire.test.ts'], {
    'the console may call the bucket of another region': {
      from: "const region = env('AWS_REGION', '');",
      to: "const region = 'us-east-1';",
    },
  }),
  ...inFile('lib/http/console.ts', ['test/unit/http/console.test.ts'], {
    'the console may not call the bucket of jobs': {
      from: '[filesUrl])].join',
      to: '[])].join',
    },
  }),
  ...inFile('lib/core/cluster/orphans.ts', ['test/unit/core/cluster/orphans.test.ts'], {
    'nodes of an unreadable record are left alone once they have lost their reap tag': {
      from: "if (why === 'the records can not be read') return null;",
      to: "if (why !== 'it has no record') return null;",
    },
  }),
  ...inFile('lib/core/caps/ledger.ts', ['test/unit/core/caps/ledger.test.ts'], {
    'the audit frees the budget of a cluster whose record is unreadable': {
      from: 'if (unknown.has(id)) continue;',
      to: '',
    },
  }),
  ...inFile('lib/app/sweep.ts', ['test/unit/app/sweep.test.ts'], {
    'one refused read makes the sweeper go by tags of an earlier budget': {
      from: 'const READS_MAX = 3;',
      to: 'const READS_MAX = 1;',
    },
    'the sweeper raises no alarm for an unreadable record': {
      from: 'if (unreadable.length > 0) metrics.emit(() => ({ UnreadableRecords: unreadable.length }));',
      to: '',
    },
  }),
  ...inFile('lib/app/read-clusters.ts', ['test/unit/app/read-clusters.test.ts'], {
    'anybody learns of an unreadable record': {
      from: 'owner === ADMIN || error.details.owner === owner) throw error;',
      to: 'owner !== null) throw error;',
    },
  }),
  ...inFile('lib/adapters/dynamodb/readable.ts', ['test/unit/adapters/dynamodb/readable.test.ts'], {
    'a record with damaged nodes is taken for readable': {
      from: 'if (!parsed.success) return',
      to: "if (!parsed.success && !pathOf(parsed.error).includes('nodes')) return",
    },
    'the instant of a creation may be any text': {
      from: '  billedFrom: instant,',
      to: '  billedFrom: z.any(),',
    },
  }),
  ...inFile('lib/adapters/dynamodb/pages.ts', ['test/unit/simulators/aws/memory-table.test.ts'], {
    'an unreadable record between two pages is shown on both': {
      from: 'byReadability<R>(found.slice(0, found.indexOf(last)));',
      to: 'byReadability<R>(found);',
    },
  }),
];

const reap = inFile('lib/app/reap.ts', ['test/unit/handlers/reap.test.ts'], {
  'the reaper looks no tick ahead': {
    from: 'const isSoon = dueAt <= plus(now, TICK);',
    to: 'const isSoon = dueAt <= now;',
  },
  'a schedule that is due is taken for a cluster': {
    from: 'nudge.runSchedule(id))',
    to: 'nudge.reconcile([{ clusterId: id as never }]))',
  },
  'a nudge that failed is told to nobody': {
    from: 'if (errors.length > 0) throw errors[0];',
    to: '',
  },
});

const atMost = inFile('lib/app/at-most.ts', ['test/unit/app/at-most.test.ts'], {
  'the reaper ends before its last nudges have left': {
    from: 'await Promise.all(underWay);',
    to: '',
  },
  'the reaper nudges no more than it may at once': {
    from: 'if (underWay.size >= limit) await Promise.race(underWay);',
    to: 'if (underWay.size >= limit) break;',
  },
  'the sweeper sends all its deletes at once': {
    from: 'if (underWay.size >= limit) await Promise.race(underWay);',
    to: '',
  },
});

const counted = [
  ...inFile(
    'lib/core/cluster/metrics.ts',
    ['test/unit/core/cluster/metrics.test.ts', 'test/unit/adapters/aws/emf.test.ts'],
    {
      'a cluster is overdue only when its last affordable hour is': {
        from: 'return now >= plus(since, TEARDOWN_TIME_MAX);',
        to: 'return now >= plus(plus(since, record.marginMs), TEARDOWN_TIME_MAX);',
      },
      'the lead of a teardown is that of its first deletion': {
        from: 'between(latest(first, ...rest), lastAffordable(',
        to: 'between(first, lastAffordable(',
      },
      'what the dashboard alone shows is sent without one': {
        from: '([name]) => hasDashboard || metrics[name].isAlarming,',
        to: '([name]) => hasDashboard || metrics[name] !== undefined,',
      },
    },
  ),
  ...inFile('lib/app/reap.ts', ['test/unit/app/reap.test.ts'], {
    'an overdue cluster is told to nobody': {
      from: 'if (overdue.length > 0) metrics.emit(',
      to: 'if (overdue.length > 20) metrics.emit(',
    },
    'a reaper that can not read the records starts no pass': {
      from: 'return { batches: batchesOfIds(clusters), read: NOTHING };',
      to: 'return { batches: [], read: NOTHING };',
    },
    'the reaper never looks farther ahead than its next tick': {
      from: 'const isCrowd = clusters.length + later.length >= CROWD;',
      to: 'const isCrowd = false;',
    },
  }),
  ...inFile('lib/app/reconcile.ts', ['test/unit/app/reconcile.test.ts'], {
    'what a cluster came to is counted only where its record was saved': {
      from: '  emitEndMetrics(deps.metrics, before, record);\n  const saved = await deps.store.save(record);',
      to: '  const saved = await deps.store.save(record);\n  emitEndMetrics(deps.metrics, before, record);',
    },
  }),
  ...inFile('lib/app/sweep.ts', ['test/unit/app/sweep.test.ts'], {
    'an orphan that was not destroyed is counted': {
      from: 'if (destroyed > 0) metrics.emit(() => ({ OrphansDestroyed: destroyed }));',
      to: 'metrics.emit(() => ({ OrphansDestroyed: orphans.length }));',
    },
  }),
];

const reports = inFile('lib/app/report.ts', ['test/unit/app/report.test.ts'], {
  'a report reads the whole history in one request': {
    from: 'if (pages === PAGES_MAX || byCluster',
    to: 'if (byCluster',
  },
  'an answer has a row for each of any number of clusters': {
    from: '|| byCluster.length >= ROWS_MAX',
    to: '',
  },
  'a report shows what is invoiced for a part of the month': {
    from: 'invoiced === null ? new Map() :',
    to: '',
  },
  'a report begins anew at each part': {
    from: 'const query = { owner: ownerSeen(owner, askedOwner), from, to, cursor };',
    to: 'const query = { owner: ownerSeen(owner, askedOwner), from, to, cursor: null };',
  },
});

const invoices = [
  ...inFile('lib/core/invoices/amount.ts', ['test/unit/core/invoices/amount.test.ts'], {
    'a part of a millionth on an invoice is lost': {
      from: 'const size = isExact ? micro : micro + 1;',
      to: 'const size = micro;',
    },
    'a price of 1,234 on an invoice is taken for one dollar': {
      from: "if (separator === ',' && isGrouped && !head.includes('.')) return null;",
      to: '',
    },
  }),
  ...inFile('lib/core/invoices/match.ts', ['test/unit/core/invoices/match.test.ts'], {
    'a volume with the id of a Linode is billed to a cluster': {
      from: 'if (!isNode && isOfService(text)) return STRANGER;',
      to: '',
    },
    'a node beside whose label a service stands is a stranger': {
      from: 'const isNode = first !== undefined && name?.isWhole === true && fits(name, first);',
      to: 'const isNode = false;',
    },
    'a Linode that a person calls onebuck-console is told of': {
      from: 'const other = isWhole || isCut ? UNKNOWN : STRANGER;',
      to: 'const other = UNKNOWN;',
    },
    'an item of a Linode that no record has is the node of its label': {
      from: 'if (ids.length > 0) return other;',
      to: '',
    },
    'an item whose label and id disagree is believed': {
      from: 'others.length === 0 && fits(name, first)',
      to: 'others.length === 0',
    },
    'a Linode that is named by the id of another is billed for it': {
      from: 'const isClear = ids.length === 1 || name !== null;',
      to: 'const isClear = true;',
    },
    'a label that is cut fits the first of two clusters': {
      from: 'if (another !== undefined || nodes === undefined) return UNKNOWN;',
      to: 'if (nodes === undefined) return UNKNOWN;',
    },
  }),
  ...inFile('lib/core/invoices/compare.ts', ['test/unit/core/invoices/compare.test.ts'], {
    'a Linode of an ended cluster is an unknown one': {
      from: 'apart.billedOn.push(billed);',
      to: 'apart.unknown.push(billed);',
    },
    "an hour across a month's end is called other hours": {
      from: 'const isMonthEnd = more < 0 ? more >= -across : more <= hoursBefore;',
      to: 'const isMonthEnd = false;',
    },
    'what invoices teach is lost on a record that has the hour once': {
      from: 'const less = node.hours + node.hoursBefore - quantityOf',
      to: 'const less = node.hours - quantityOf',
    },
    'a node without an item is no difference': {
      from: "if (items.length === 0) return difference('notInvoiced', -node.cost - node.backupsCost);",
      to: 'if (items.length === 0) return [];',
    },
    'another price in whole cents is called rounding': {
      from: 'items.every(isOurs) && Math.abs(rest)',
      to: 'Math.abs(rest)',
    },
    'transfer that the records count is told of, too': {
      from: 'const amounts = split(microUsd(Math.max(0, all)), recorded, whole);',
      to: 'const amounts = split(microUsd(0), recorded, whole);',
    },
    'transfer in whole cents is told of': {
      from: "Math.abs(rest) < roundedBy(items) ? 'rounding' : 'transfer'",
      to: "'transfer'",
    },
    'an item of a node that never had a Linode is lost': {
      from: 'apart.unknown.push(billed);',
      to: '',
    },
  }),
  ...inFile('lib/core/invoices/book.ts', ['test/unit/app/reconcile-invoices.test.ts'], {
    'a correction of the same sum is never found': {
      from: 'return isYoung && isDue ? { ...known, ...unread } : known;',
      to: 'return known;',
    },
    'a correction of the sum of an invoice is not read': {
      from: 'if (!isSame) return { ...known, ...head, ...unread, hashes: [] };',
      to: '',
    },
    'a month is compared with a part of its items': {
      from: '!unread.some((invoice) => mayBill(invoice, month)),',
      to: 'true,',
    },
    'a month waits for an invoice that does not bill it': {
      from: 'return theirs.includes(month) || (isNew && date > monthNamed(month).start);',
      to: 'return true;',
    },
    'a month is compared before it is billed whole': {
      from: 'invoices.some(({ date }) => date >= monthNamed(month).end) &&',
      to: '',
    },
  }),
  ...inFile('lib/app/reconcile-invoices.ts', ['test/unit/app/reconcile-invoices.test.ts'], {
    'people are told of a difference at every run': {
      from: 'isAlarming(one) && !told.includes(keyOf(one))',
      to: 'isAlarming(one)',
    },
    'a difference is lost if a run dies after it is noted as told': {
      from: '  news.send(outbox);\n  await outbox.flush();\n',
      to: '  for (const one of results) await invoices.keepCluster({ id: one.id, month }, one.result, keptUntil);\n  news.send(outbox);\n',
    },
    'a month of which invoices are gone is compared': {
      from: 'const isDone = isForgotten(deps, month) || (await',
      to: 'const isDone = (await',
    },
    'a run reads any number of pages of invoices': {
      from: 'pages < PAGES_MAX && deps.clock.now() <= by;',
      to: 'deps.clock.now() <= by;',
    },
    'the log says at every run that invoices can not be read': {
      from: "if (book.access === 'denied') return;",
      to: '',
    },
  }),
];

const launch = inFile('lib/app/launch.ts', ['test/unit/app/launch.test.ts'], {
  "an idempotency key with the id of somebody else's cluster shows that cluster": {
    from: 'if (record.owner !== owner) {',
    to: "if (record.owner === '') {",
  },
  'any number of launches wait at once, and hold their functions': {
    from: 'const mayWait = reserved.recent < WAITING_MAX;',
    to: 'const mayWait = reserved.recent >= 0;',
  },
  'a repeated request waits like a launch': {
    from: 'isNew: false, mayWait: false }',
    to: 'isNew: false, mayWait: true }',
  },
  'the idempotency key is ignored': {
    from: 'request.idempotencyKey === null ? null : keyedClusterId(request.owner, request.idempotencyKey);',
    to: 'null as ClusterId | null;',
  },
  'an idempotency key is good for any body': {
    from: 'if (record.requestHash === requestHash) return {',
    to: 'if (record.requestHash.length === requestHash.length) return {',
  },
  'owners share their idempotency keys': {
    from: "idOfKey('c', [owner, idempotencyKey]);",
    to: "idOfKey('c', [idempotencyKey]);",
  },
  'of two launches with one key both think they won': {
    from: "if ((await store.insert(record)) === 'exists') {",
    to: "if ((await store.insert(record)) === 'exists' && keyedId === null) {",
  },
  'the caps are not asked': {
    from: 'await deps.caps.reserve({ ...claim, scheduleCaps, tokenCap }, request.by);',
    to: 'clock.now();',
  },
  'the caps are asked for a budget of nothing': {
    from: 'await deps.caps.reserve({ ...claim, scheduleCaps, tokenCap }, request.by);',
    to: 'await deps.caps.reserve({ ...claim, budget: 0 as MicroUsd, scheduleCaps, tokenCap }, request.by);',
  },
  'the monthly cap of a schedule is not asked': {
    from: 'const scheduleCaps = schedule?.caps ?? null;',
    to: 'const scheduleCaps = null;',
  },
  'a late request counts the budget of a cluster that has ended': {
    from: 'if (!isLive(winner)) await deps.caps.release(winner, request.by);',
    to: '',
  },
  'a launch whose nudge is lost waits for its time to come up': {
    from: 'dueAt: startsAt,',
    to: 'dueAt: plus(startsAt, settings.provisionMs),',
  },
  'the margin is another than the deployment’s': {
    from: 'marginMs: settings.marginMs,',
    to: 'marginMs: settings.provisionMs,',
  },
});

const schedules = [
  ...inFile('lib/app/change-schedule.ts', ['test/flows/schedule-requests.test.ts'], {
    'a change takes the cap away from a schedule that needs one': {
      from: 'const isUncapped = changed.monthlyCap === null && before.monthlyCap !== null;',
      to: 'const isUncapped = false;',
    },
    'a changed schedule is not checked': {
      from: 'await checkSchedule(deps, changed, { faults, by });',
      to: '',
    },
    'a changed time zone is not checked with the spec': {
      from: "!isSame('timezone') || !isSame('spec')",
      to: "!isSame('spec')",
    },
    'the same change of a schedule is saved again': {
      from: 'if (isDeepStrictEqual({ ...before, ...change }, before)) return before;',
      to: '',
    },
  }),
  ...inFile('lib/app/run-schedule.ts', ['test/flows/schedules.test.ts'], {
    'a run is tried again under the same key': {
      from: "tries === 1 ? ''",
      to: "tries > 0 ? ''",
    },
    'a run is tried again for ever': {
      from: 'if (now >= windowEnd(schedule, at)) return over;',
      to: '',
    },
    'a refusal that may pass is final': {
      from: 'forCapacity: messages.every(isForCapacity)',
      to: 'forCapacity: false',
    },
    'the owner of a schedule has a notice of each try': {
      from: 'const isFinal = schedule.pending === null;',
      to: 'const isFinal = true;',
    },
    'the owner of a schedule has no notice of a run that failed': {
      from: "if (saved !== 'conflict' && run !== null) report",
      to: "if (saved === 'conflict' && run !== null) report",
    },
    'a function waits for a cluster to come up': {
      from: 'if (schedule.dueAt === schedule.pending?.lookAt) return;',
      to: '',
    },
    'a run that has launched a cluster of the old spec is refused': {
      from: "if (error.code === 'conflict') {",
      to: "if (error.code === 'notFound') {",
    },
  }),
];

const reasons = inFile('lib/app/carry-out.ts', ['test/flows/life.test.ts'], {
  'a launch does not say that Linode answers its creates with errors': {
    from: "{ kind: 'failed', index: step.index, reason: outcome.reason }",
    to: "{ kind: 'failed', reason: outcome.reason }",
  },
  'a launch does not say that Linode refuses the token': {
    from: "{ kind: 'notSent', index, reason, retryAt }",
    to: "{ kind: 'notSent', index, reason: '', retryAt }",
  },
});

const worstMonth = inFile(
  'lib/core/schedule/worst-month.ts',
  ['test/unit/core/schedule/worst-month.test.ts'],
  {
    'the worst month of a schedule is any month': {
      from: 'Math.max(0, ...byMonth.values())',
      to: 'Math.min(...byMonth.values())',
    },
  },
);

const typed = inFile('client/spec.ts', ['test/unit/client/spec.test.ts'], {
  'a thousand with a comma is read as one': {
    from: ' && !hasTwoMeanings(typed)',
    to: '',
  },
});

const extension = inFile('client/extension.ts', ['test/unit/client/extension.test.ts'], {
  'more hours forget the bill of nodes that are gone': {
    from: 'micro(spentAtTeardownUsd) - spend(nodes, teardownAt)',
    to: '0',
  },
  'more hours raise a budget that pays for them': {
    from: 'from === last ? besides + spend(nodes, target) : budget + cost',
    to: 'budget + cost',
  },
  'more hours are priced as if all nodes had come': {
    from: 'Math.max(1, billed.length)',
    to: 'cluster.nodes.length',
  },
  'the outlook of a lower budget forgets the safety margin': {
    from: 'const teardownAt = end - marginMs;',
    to: 'const teardownAt = end;',
  },
});

const sizes = inFile('client/memory.ts', ['test/unit/client/words.test.ts'], {
  'four gigabytes are taken for four megabytes': {
    from: "unit === '' && number < MB_MIN",
    to: 'false',
  },
  'a size is rounded down, to less memory than was asked for': {
    from: 'Math.ceil(number * factor)',
    to: 'Math.floor(number * factor)',
  },
});

const refusals = inFile(
  'client/api.ts',
  ['test/unit/cli/errors.test.ts', 'test/unit/client/api.test.ts'],
  {
    'a token that may not do something is forgotten as if it were refused': {
      from: "this.problem?.code === 'notAllowed'",
      to: 'false',
    },
  },
);

const launches = inFile('client/problem.ts', ['test/unit/cli/errors.test.ts'], {
  'a launch that Linode refused may have happened': {
    from: '/^linode/.test(',
    to: '/^onebuck/.test(',
  },
});

const narrow = inFile('cli/format.ts', ['test/unit/cli/format.test.ts'], {
  'a table that is too wide breaks': {
    from: 'lines.every(({ length }) => length <= columns)',
    to: 'lines.length > 0',
  },
});

const startups = inFile('dev/settings.ts', ['test/unit/dev/settings.test.ts'], {
  'a second npm start writes over the folder of the first': {
    from: 'if (isOurs) return;',
    to: 'return;',
  },
});

const warnings = inFile('lib/app/change-cluster.ts', ['test/flows/notices.test.ts'], {
  'a warning comes twice to an owner who raises the budget and lowers it again': {
    from: 'withWarningsPassed(changed.next, lifeOf(changed.next, now), now)',
    to: 'changed.next',
  },
});

const changeCluster = inFile(
  'lib/app/change-cluster.ts',
  ['test/unit/app/change-cluster.test.ts'],
  {
    'a PATCH that meets a pass is lost': {
      from: "5 minutes`);\n    if (saved === 'conflict') continue;",
      to: "5 minutes`);\n    if (saved === 'conflict') return record;",
    },
    'a higher budget is saved without asking the caps': {
      from: "if (budget > record.budget && (await caps.raise(raised, by)) === 'missing') {",
      to: 'if (budget < 0) {',
    },
    'a higher budget is saved though it is not counted': {
      from: "(await caps.raise(raised, by)) === 'missing') {",
      to: '(await caps.raise(raised, by)) === null) {',
    },
    'a lower budget stays counted as it was': {
      from: 'isLive(saved) && budget !== record.budget) {',
      to: 'isLive(saved) && budget > record.budget) {',
    },
  },
);

const offer = inFile('lib/app/offer.ts', ['test/unit/app/launch.test.ts'], {
  'a budget below the first hour is taken': {
    from: 'if (spec.budget >= smallestBudget) return;',
    to: 'return;',
  },
  'a budget for one hour is taken where two are billed': {
    from: 'if (spec.budget >= smallestBudget) return;',
    to: 'if (spec.budget >= hourly) return;',
  },
  'backups that are forced are not counted before a node shows them': {
    from: 'backupsAssumed: extras.backups,',
    to: 'backupsAssumed: false,',
  },
  'a cluster is launched that nobody can log in to': {
    from: 'if (hasKeys(spec) || (await secrets.passwordKey()) !== null) return;',
    to: 'return;',
  },
});

const clusters = [
  ...inFile('lib/app/read-clusters.ts', ['test/unit/app/read-clusters.test.ts'], {
    "somebody else's cluster is shown": {
      from: "if (record === 'notFound' || (owner !== ADMIN && record.owner !== owner)) {",
      to: "if (record === 'notFound') {",
    },
    'the admin is shown root passwords': {
      from: 'if (record.owner !== owner) throw noCluster(id);',
      to: 'if (record.owner !== owner && owner !== ADMIN) throw noCluster(id);',
    },
    'a request waits for addresses that never come': {
      from: 'clock.now() < until &&\n    current.nodes',
      to: 'current.nodes',
    },
  }),
  ...inFile('lib/app/save-over.ts', ['test/unit/app/destroy-cluster.test.ts'], {
    'a DELETE that meets a pass is lost': {
      from: "if (saved === 'conflict') continue;",
      to: "if (saved === 'conflict') return record;",
    },
  }),
  ...inFile('lib/app/save-over.ts', ['test/unit/app/hear-job.test.ts'], {
    'a pass that saves at the same time keeps a job from ending its cluster': {
      from: "if (saved === 'conflict') continue;",
      to: "if (saved === 'conflict') return record;",
    },
  }),
  ...inFile('lib/app/nudge.ts', ['test/unit/app/nudge.test.ts'], {
    'a lost nudge fails the request': {
      from: "log.warn('nudge lost', { clusterId: id, reason: String(error) });",
      to: "log.warn('nudge lost', { clusterId: id, reason: String(error) });\n    throw error;",
    },
  }),
];

const passes = [
  ...inFile('lib/core/cluster/life.ts', ['test/unit/core/cluster/life.test.ts'], {
    'the teardown time leaves out nodes that are yet to be created': {
      from: '    ...planned.map(() => ({ billedFrom: now, billedUntil: null, price })),\n',
      to: '',
    },
  }),
  ...inFile('lib/core/cluster/change.ts', ['test/unit/core/cluster/change.test.ts'], {
    'a smaller budget is taken that the destruction would pass': {
      from: 'plus(plus(now, record.marginMs), A_MOMENT)',
      to: 'now',
    },
  }),
  ...inFile('lib/core/pass/plan.ts', ['test/unit/core/pass/plan.test.ts'], {
    'the reap tag of a create is not in the record': {
      from: '{ ...creates.next, dueAt }, creates.borne)',
      to: '{ ...creates.next, dueAt }, [])',
    },
    'the intent leaves out the nodes that are created': {
      from: 'withResends({ ...record, nodes }, sending, now)',
      to: 'withResends(record, sending, now)',
    },
    'a waiting cluster is looked at only after its teardown time': {
      from: 'earliest(lookAt, noticeAt, teardownAt, ...retries)',
      to: 'earliest(lookAt, noticeAt, ...retries)',
    },
    'tags are removed while nodes bear them': {
      from: 'if (linodes === null || linodes.length > 0 || !isOver) {',
      to: 'if (current.tagsRemoved && (linodes === null || linodes.length > 0 || !isOver)) {',
    },
  }),
  ...inFile('lib/core/pass/phase.ts', ['test/unit/core/pass/plan.test.ts'], {
    'a create that is not seen for half a minute never was': {
      from: 'now - node.triedAt < LANDED_BY',
      to: 'now - node.triedAt < 30_000',
    },
  }),
  ...inFile('lib/core/cluster/orphans.ts', ['test/unit/core/cluster/orphans.test.ts'], {
    'a live cluster is swept at its teardown time, before the reaper can': {
      from: 'plus(lifeOf(record, now).teardownAt, OVERDUE_AFTER)',
      to: 'lifeOf(record, now).teardownAt',
    },
  }),
  ...inFile('lib/core/cluster/bills.ts', ['test/unit/core/cluster/bills.test.ts'], {
    'a node whose create was sent is free of charge': {
      from: 'return [{ billedFrom: node.sentAt, billedUntil: null, price: newNodePrice(record) }];',
      to: 'return [];',
    },
    'a node that was sent again is billed from the last try': {
      from: 'billedFrom: node.sentAt, billedUntil: null',
      to: 'billedFrom: node.triedAt, billedUntil: null',
    },
  }),
  ...inFile('lib/app/carry-out.ts', ['test/unit/app/reconcile.test.ts'], {
    'a step is tried until the margin is over': {
      from: 'const by = earliest(passBy, plus(clock.now(), most));',
      to: 'const by = passBy;',
    },
    'a step that failed is tried again without a pause': {
      from: "['failed', 'deletionRefused', 'present', 'retagged'].includes(outcome.kind)",
      to: "['present', 'retagged'].includes(outcome.kind)",
    },
    'a deletion that failed is given up': {
      from: "    return { kind: 'deletionRefused', index, linodeId, reason: refusalIn(reason) };\n  }\n  return { kind: 'failed', reason };",
      to:
        "    return { kind: 'deletionRefused', index, linodeId, reason: refusalIn(reason) };\n" +
        '  }\n' +
        "  return step.kind === 'deleteNode'\n" +
        "    ? { ...step, kind: 'deletionAccepted', existed: true }\n" +
        "    : { kind: 'failed', reason };",
    },
    'any error is taken for proof that a create did not leave': {
      from: 'return denied ? {',
      to: "return step.kind === 'createNode' ? {",
    },
    'a create with a lost reply is taken for a refusal': {
      from: "return { kind: 'failed', index: step.index, reason: outcome.reason };",
      to: "return { kind: 'refused', index: step.index, reason: outcome.reason };",
    },
    'a create may leave long after its intent': {
      from: 'const notAfter = plus(step.sentAt, CREATE_WINDOW);',
      to: 'const notAfter = plus(by, CREATE_WINDOW);',
    },
    'a Linode that was taken over is deleted': {
      from:
        'if (!isNode(index, found)) return untagged(index, found, othersTagged);\n' +
        '          if (unlisted)',
      to: 'if (unlisted)',
    },
    'a node that can not be read is taken for deleted': {
      from: "if (found === 'notFound') {\n          return { kind: 'deletionAccepted',",
      to:
        "if (found === 'notFound' || found === 'unreadable') {\n" +
        "          return { kind: 'deletionAccepted',",
    },
    'a Linode that was taken over is kept as ours': {
      from:
        'if (!isNode(index, found)) return untagged(index, found, othersTagged);\n' +
        '      await putTagsBack(found);',
      to: 'await putTagsBack(found);',
    },
    'a Linode that was taken over is tagged': {
      from: 'if (!isNode(index, found)) return untagged(index, found, false);',
      to: '',
    },
    'moving a reap tag takes all other tags off': {
      from: 'const tags = withReapTag([...found.tags, ...missingIn(found)], reap);',
      to: 'const tags = [...own, reap];',
    },
    'a reap tag is removed that another cluster’s nodes bear': {
      from: 'if (bearers?.length === 0) await removeTag(tag);',
      to: 'if (bearers !== null) await removeTag(tag);',
    },
    'a reap tag is removed though its bearers can not be listed': {
      from: 'if (bearers?.length === 0) await removeTag(tag);',
      to: 'if (!bearers?.length) await removeTag(tag);',
    },
    'all nodes have one root password': {
      from: 'rootPassword(key, step.label)',
      to: 'rootPassword(key, record.nodes[0]?.label ?? step.label)',
    },
  }),
  ...inFile('lib/app/read-prices.ts', ['test/flows/resized.test.ts'], {
    'a migrated node is priced as in most regions': {
      from: 'const price = regionalPrice(listed?.price ?? null, region);',
      to: 'const price = regionalPrice(listed?.price ?? null, null);',
    },
  }),
  ...inFile('lib/app/read-prices.ts', ['test/flows/price-rise.test.ts'], {
    'an account that comes to be managed keeps its clusters': {
      from: "isManaged: account !== 'unreadable' && account.managed",
      to: "isManaged: account === 'unreadable'",
    },
  }),
  ...inFile('lib/core/pass/tags.ts', ['test/unit/core/pass/tags.test.ts'], {
    'a node that a pass has just tagged shows that the others were taken over': {
      from: 'return hasJustRetagged(before)',
      to: 'return hasJustRetagged(before) && now === 0',
    },
  }),
  ...inFile('lib/core/pass/kinds.ts', ['test/unit/core/pass/kinds.test.ts'], {
    'prices that could not be read are read half an hour later': {
      from: '  now >= plus(pricesReadAt ?? createdAt, PRICES_KEPT);',
      to: '  now > plus(pricesReadAt ?? createdAt, PRICES_KEPT);',
    },
    'prices are read at the launch only': {
      from: 'const PRICES_KEPT = minutes(50);',
      to: 'const PRICES_KEPT = minutes(500_000);',
    },
    'a raised price counts only from when it was read': {
      from: 'const from = minus(record.pricesReadAt ?? record.createdAt, PRICES_AGE_MAX);',
      to: 'const from = at;',
    },
    'rises of a price fill up the record': {
      from: 'const RISES_MAX = 8;',
      to: 'const RISES_MAX = 8_000;',
    },
  }),
  ...inFile('lib/core/cluster/kinds.ts', ['test/unit/core/pass/kinds.test.ts'], {
    'a price that falls is taken': {
      from: 'const price = dearer(before.price, found.price);',
      to: 'const price = found.price;',
    },
    'a dearer price of backups is not counted': {
      from: 'isSamePrice(price, before.price) && isSamePrice(backupsPrice, before.backupsPrice)',
      to: 'isSamePrice(price, before.price)',
    },
  }),
  ...inFile('lib/core/cluster/kinds.ts', ['test/unit/core/cluster/kinds.test.ts'], {
    'an hour counts at the price before a rise and at the price after it': {
      from: 'const lastsUntil = isRise ? hour : to;',
      to: 'const lastsUntil = to;',
    },
    'a raised price counts for a node that was gone': {
      from: 'if (isRise && until !== null && until <= hour) continue;',
      to: '',
    },
    'nodes with backups cost what nodes without cost': {
      from: 'backups ? backupsPrice : null',
      to: 'null',
    },
    'a node that does not exist yet counts at the price of the launch': {
      from: 'lastRiseOf(record, bought) ?? bought',
      to: 'bought',
    },
  }),
  ...inFile('lib/app/offer.ts', ['test/flows/account.test.ts'], {
    'an account that takes only Linode interfaces gets others': {
      from: '...(extras.interfaces && { interfaces: extras.interfaces }),',
      to: '',
    },
    'a quote does not say that the default firewall is not attached': {
      from: '...(firewall === null ? [] : [noFirewall(firewall, isGuarded)]),',
      to: '',
    },
    'a quote does not say that private addresses are never set up': {
      from: '...(lacksHelper && network.kind !== null ? [NO_HELPER] : []),',
      to: '',
    },
    'a quote says that a node without a firewall has one': {
      from: 'noFirewall(firewall, isGuarded)',
      to: 'noFirewall(firewall, true)',
    },
    'the default firewall of the other generation counts': {
      from: "catalogue.defaultFirewall(extras.interfaces ?? 'legacy_config', by),",
      to: "catalogue.defaultFirewall('linode', by),",
    },
    'a managed account gets clusters, at many times their budgets': {
      from: "if (account === 'unreadable' || !account.managed) return;",
      to: "if (account === 'unreadable' || account.managed) return;",
    },
    'a quote does not say which settings it could not read': {
      from: "...(account === 'unreadable' ? [UNREADABLE] : [])",
      to: "...(account === 'unreadable' && by === 0 ? [UNREADABLE] : [])",
    },
  }),
  ...inFile('lib/app/carry-out.ts', ['test/flows/tags.test.ts'], {
    'tags that somebody deleted are not put back': {
      from: 'const missingIn = ({ tags }: Linode) => own.filter((tag) => !tags.includes(tag));',
      to: 'const missingIn = ({ tags }: Linode) => own.filter((tag) => tags.length === 0 && tag);',
    },
    'a node that has lost the ownership tag is taken for a stranger': {
      from: 'const isKnown = node !== undefined && isKnownWithoutTag(node, found);',
      to: "const isKnown = node?.state === 'planned' && isKnownWithoutTag(node, found);",
    },
  }),
  ...inFile('lib/app/report-changes.ts', ['test/flows/tags.test.ts'], {
    'no alarm tells of a deleted ownership tag': {
      from: '...(losses > 0 && { TagsLost: losses }),',
      to: '',
    },
    'no alarm tells of nodes that were taken over': {
      from: '...(taken > 0 && { TakenOver: taken }),',
      to: '',
    },
  }),
  ...inFile('lib/app/sweep.ts', ['test/flows/tags.test.ts'], {
    'a record protects no Linode that only its id places': {
      from: 'const open = isUnplaced ? await caps.openClusters() : [];',
      to: 'const open = isUnplaced ? [] : await caps.openClusters();',
    },
  }),
  ...inFile('lib/app/carry-out.ts', ['test/flows/undeletable.test.ts'], {
    'a refused deletion is repeated at the pace of a lost answer, and its node says nothing': {
      from: "error.code === 'linodeRejected' && step.kind === 'deleteNode'",
      to: "error.code === 'linodeRejected' && step.kind === 'removeTags'",
    },
  }),
  ...inFile('lib/app/report-changes.ts', ['test/flows/undeletable.test.ts'], {
    'an overspend is reported only once its cluster has ended': {
      from: 'if (overspent === 0 || !isBilledOn(record)) return;',
      to: 'if (overspent === 0 || isBilledOn(record)) return;',
    },
  }),
  ...inFile('lib/app/reconcile.ts', ['test/flows/undeletable.test.ts'], {
    'nobody hears of what nobody planned': {
      from: 'for (const event of notices) outbox.send(event);',
      to: 'for (const event of notices.slice(1)) outbox.send(event);',
    },
  }),
  ...inFile('lib/app/reconcile.ts', ['test/unit/app/reconcile.test.ts'], {
    'a pass carries out before it saves its intent': {
      from: '  const intent = await save(\n    store,\n    record,\n    wait === null ? next : withReasons(next, observed.failures, now),\n  );',
      to: "  const intent = next as LiveRecord | 'conflict';",
    },
    'a pass goes on though a newer record is there': {
      from: "  if (intent === 'conflict') return 'over';\n  if (notice",
      to: "  if (intent === 'conflict') await carryOut(deps, next, planned.steps, by);\n  if (intent === 'conflict') return 'over';\n  if (notice",
    },
    'a wait goes on past the teardown time': {
      from: 'latest(now, earliest(record.dueAt, carriedOut.lookAgainAt))',
      to: 'latest(now, carriedOut.lookAgainAt)',
    },
    'a wait that is too long is sat out until the function dies': {
      from: 'startsAt <= lastStart && startsAt - now <= WAIT_MAX',
      to: 'startsAt - now <= WAIT_MAX',
    },
    'a pass that could not do what was due ends well': {
      from: 'if (failures.length > 0) {\n    throw',
      to: 'if (failures.length > 20) {\n    throw',
    },
    'a failed cluster is due again only after its lease': {
      from: 'if (record.dueAt > nextAt) await',
      to: 'if (record.dueAt < nextAt) await',
    },
  }),
];

const crowd = [
  ...inFile('lib/core/pass/batches.ts', ['test/unit/core/pass/batches.test.ts'], {
    'teardowns begin at their times, however many there are': {
      from: 'startsAt: earliest(item.teardownAt, next)',
      to: 'startsAt: item.teardownAt',
    },
    'a tick asks for more deletions than Linode takes': {
      from: 'if (!isFirst && calls + added > CALLS_PER_TICK) return false;',
      to: 'if (!isFirst && calls + added < 0) return false;',
    },
    'launches wait for the teardowns of their function': {
      from: '...split(launches.map(lookRequest), BATCHES_MAX.launches),\n    ...split(measured(looks, looks.map(lookRequest)), BATCHES_MAX.looks),',
      to: '...split([...launches, ...looks].map(lookRequest), BATCHES_MAX.looks),',
    },
  }),
  ...inFile('lib/adapters/linode/wire.ts', ['test/unit/adapters/linode/wire.test.ts'], {
    'a private address is given to people': {
      from: 'ipv4: publicFirst(raw.ipv4 ?? []),',
      to: 'ipv4: raw.ipv4 ?? [],',
    },
    'a type that costs nothing can be launched for ever': {
      from: 'if (hourly == null || hourly === 0) return null;',
      to: 'if (hourly == null) return null;',
    },
  }),
  ...inFile('lib/adapters/linode/wire.ts', ['test/unit/adapters/linode/simulator.test.ts'], {
    'a default firewall shuts ssh out': {
      from: `        interface_generation: interfaces,
        firewall_id: NO_FIREWALL,`,
      to: '        interface_generation: interfaces,',
    },
    'a node is in no VLAN': {
      from: "...(vlan ? [{ purpose: 'vlan', label: vlan.label, ipam_address: vlan.address }] : []),",
      to: '',
    },
    'a node with Linode interfaces is in no VLAN': {
      from: '...(vlan ? [{ vlan: { vlan_label: vlan.label, ipam_address: vlan.address } }] : []),',
      to: '',
    },
    'no machine sets up the address that its VLAN interface has': {
      from: 'network_helper: true,',
      to: 'network_helper: false,',
    },
  }),
  ...inFile('lib/adapters/linode/client.ts', ['test/unit/adapters/linode/client.test.ts'], {
    "another region's VLANs count": {
      from: '.filter((vlan) => region === null || vlan.region === region)',
      to: '',
    },
    'a launch fails where the token may not read firewalls': {
      from: "if (verdict.kind === 'denied' || isAbsent(verdict.status)) return 'unreadable';",
      to: "if (isAbsent(verdict.status)) return 'unreadable';",
    },
  }),
  ...inFile('lib/app/catalogue-cache.ts', ['test/unit/app/catalogue-cache.test.ts'], {
    'a launch waits long for the default firewall': {
      from: 'linode.defaultFirewalls(earliest(by, plus(clock.now(), OPTIONAL_WAIT_MAX)))',
      to: 'linode.defaultFirewalls(by)',
    },
  }),
  ...inFile('lib/adapters/linode/list.ts', ['test/unit/adapters/linode/client.test.ts'], {
    'one odd type keeps people from all others': {
      from: 'readPage(http, list, { number, skip, filter: list.filter }, by)',
      to: 'readPage(http, list, { number, filter: list.filter }, by)',
    },
    'a list whose odd rows are left out is read again and again': {
      from: 'rowsCount += page.rows;',
      to: 'rowsCount += page.data.length;',
    },
  }),
  ...inFile('lib/adapters/linode/gate.ts', ['test/unit/adapters/linode/gate.test.ts'], {
    'in an outage all calls are repeated at once': {
      from: 'if (failures >= FAILURES_MAX) beginPause();',
      to: 'if (failures >= FAILURES_MAX * 1_000) beginPause();',
    },
    'calls go on though Linode has refused them for a while': {
      from: 'opensAt = latest(result.until, opensAt ?? result.until);',
      to: 'opensAt = clock.now();',
    },
  }),
  ...inFile('lib/app/shared-calls.ts', ['test/unit/app/shared-calls.test.ts'], {
    'a list that began before it was asked for is shared': {
      from: 'return current === undefined ? start(tag, by) : joinNext(tag, by, current);',
      to: 'return current === undefined ? start(tag, by) : (current as Promise<T>);',
    },
  }),
  ...inFile('lib/app/launch.ts', ['test/unit/app/launch.test.ts'], {
    'the time to come up begins before the turn of the cluster': {
      from: 'provisionBy: plus(createdBy, settings.provisionMs),',
      to: 'provisionBy: plus(now, settings.provisionMs),',
    },
    'every launch of a crowd has a function of its own': {
      from: 'if (mayWait && between(now, reserved.createFrom) <= SOON) await',
      to: 'if (between(now, reserved.createFrom) <= 3_600_000) await',
    },
  }),
  ...inFile('lib/core/caps/ledger.ts', ['test/unit/core/caps/ledger.test.ts'], {
    'all clusters have their turn at once': {
      from: 'createsUntil: plus(createFrom, creates) }',
      to: 'createsUntil: now }',
    },
    'a drain lets a repeated launch in whose first try died': {
      from: 'if (drainedSince !== null) return',
      to: 'if (drainedSince !== null && !ledger.open.has(id)) return',
    },
  }),
  ...inFile('lib/adapters/dynamodb/ledger.ts', ['test/unit/adapters/dynamodb/ledger.test.ts'], {
    'the ledger forgets that the stage is drained': {
      from: '      drainedSince: rest.drainedSince,\n    } satisfies',
      to: '    } satisfies',
    },
  }),
  ...inFile('lib/app/create-schedule.ts', ['test/unit/ops/drain-command.test.ts'], {
    'a drained stage takes new schedules': {
      from: 'if (request.enabled) await',
      to: 'if (!request.enabled) await',
    },
  }),
  ...inFile('lib/app/change-schedule.ts', ['test/unit/ops/drain-command.test.ts'], {
    'a schedule resumes in a drained stage': {
      from: 'if (changed.enabled && !before.enabled) await',
      to: 'if (!changed.enabled && before.enabled) await',
    },
  }),
  ...inFile('lib/app/caps-keeper.ts', ['test/flows/caps.test.ts'], {
    'the throttle names a teardown that is not the next': {
      from: 'latest(earliest(first, ...rest), clock.now())',
      to: 'latest(latest(first, ...rest), clock.now())',
    },
  }),
  ...inFile('lib/app/caps-keeper.ts', ['test/races/drain.test.ts'], {
    'the drain does not hear of launches that are under way': {
      from: 'underWay: underWay(after, clock.now())',
      to: 'underWay: []',
    },
  }),
];

const settings = [
  ...inFile('ops/settings-change.ts', ['test/unit/ops/settings-change.test.ts'], {
    'a lifted cap counts as tighter': {
      from: 'return parsed.ok ? parsed.value : Number.POSITIVE_INFINITY;',
      to: 'return parsed.ok ? parsed.value : 0;',
    },
    'caps are compared as text': {
      from: 'amountOf(to) > amountOf(from)',
      to: "(to ?? '') > from",
    },
    'an address may be lost without a word': {
      from: '  ALARM_EMAIL: ifLost,',
      to: '  ALARM_EMAIL: never,',
    },
    'a version without the cap does not loosen it': {
      from: "const amountOf = (value = 'none')",
      to: "const amountOf = (value = '0')",
    },
  }),
  ...inFile('ops/settings-guard.ts', ['test/unit/ops/settings-guard.test.ts'], {
    'one setting that may be loosened lets all others through': {
      from: 'loosened.every(({ name })',
      to: 'loosened.some(({ name })',
    },
    'what somebody has changed by hand in the stack is reset': {
      from: '      ...settingsOfParameters(Object.fromEntries(parameters)),\n',
      to: '',
    },
    'the address of a simulator in the shell does not stop a deployment': {
      from: 'if (set.length === 0) return null;',
      to: 'if (set.length < 3) return null;',
    },
    'a redeploy without the file resets what is not loosened': {
      from: '  if (isFileMissing) return { report, refusal: missingFile(stage, changes) };\n',
      to: '',
    },
  }),
  ...inFile('ops/settings.ts', ['test/unit/ops/settings.test.ts'], {
    'a deployment takes settings from the shell': {
      from: '...(isLocal ? setIn(env) : fromFile.values)',
      to: '...fromFile.values, ...setIn(env)',
    },
    'an unknown name in the file is skipped': {
      from: 'if (!isSetting(name)) faults.push(unknownText(name));',
      to: 'if (!isSetting(name)) continue;',
    },
  }),
];

const work = [
  ...inFile('lib/core/catalogue/shapes.ts', ['test/unit/core/catalogue/shapes.test.ts'], {
    'work is planned into the safety margin': {
      from: 'Math.ceil((takes + limits.marginMs) / HOUR)',
      to: 'Math.ceil(takes / HOUR)',
    },
    'work is planned as if nodes needed no time to come up': {
      from: 'durationMs(createdAfter(nodes - 1) + BOOT + busy)',
      to: 'durationMs(busy)',
    },
    'transfer that is planned for work is free': {
      from: 'return reservedUntil(transfer.gb, { terms, bringers }, teardownAt);',
      to: 'return microUsd(0);',
    },
    'each node for work is planned to bring what all of them bring': {
      from: 'const terms = { gb: transferGb * nodes, gbPrice: transfer.gbPrice };',
      to: 'const terms = { gb: transferGb * nodes * nodes, gbPrice: transfer.gbPrice };',
    },
  }),
  ...inFile('lib/app/fit-work.ts', ['test/unit/handlers/quotes.test.ts'], {
    'work is planned for more nodes than the spec has': {
      from: 'nodesMax: nodes === undefined ? settings.nodesMax : spec.nodes,',
      to: 'nodesMax: settings.nodesMax,',
    },
    'clusters for work are chosen without the transfer of the spec': {
      from: 'spec.transferGb === null || bought.transfer === undefined',
      to: 'spec.transferGb !== null || bought.transfer === undefined',
    },
    'a quote for work that is wrong names only the faults of the spec': {
      from: 'throw invalidSpec([...faults, ...(error.details.faults ?? [])]);',
      to: 'throw error;',
    },
  }),
];

/** What agents on nodes may say, and what they get. */
const agents: readonly Mutant[] = [
  ...inFile('lib/app/agent-token.ts', ['test/unit/app/agent-token.test.ts'], {
    'a token speaks for whatever it names, whoever made it': {
      from: "if (!isOurs || !isClusterId(clusterId)) return 'forged';",
      to: "if (!isClusterId(clusterId)) return 'forged';",
    },
    'a token is taken after its expiry': {
      from: "return expiresAt <= now ? 'expired' :",
      to: "return expiresAt < now ? 'expired' :",
    },
    'the MAC leaves out the expiry, so that anybody can move it': {
      from: "createHmac('sha256', macKeyOf(key)).update(claim)",
      to: "createHmac('sha256', macKeyOf(key)).update(claim.replace(/_[0-9a-z]*$/, ''))",
    },
  }),
  ...inFile('lib/app/authorize-agent.ts', ['test/unit/handlers/agent.test.ts'], {
    'the agent of a node speaks for all nodes of its cluster': {
      from: 'claim.clusterId !== path.id ||',
      to: 'claim.clusterId !== path.id &&',
    },
    'the agent of a node speaks for the node of any cluster': {
      from: 'claim.clusterId !== path.id ||',
      to: '',
    },
  }),
  ...inFile('lib/app/hear-agent.ts', ['test/unit/handlers/agent.test.ts'], {
    'an agent nudges passes as often as it likes': {
      from: 'isOverdue(record, teardownAt, now) && limits.nudges.take(clusterId)',
      to: 'isOverdue(record, teardownAt, now)',
    },
    'a lying agent nudges a pass before anything is due': {
      from: 'if (isOverdue(record, teardownAt, now) && ',
      to: "if (call.event === 'due' && ",
    },
    'an agent at the teardown time nudges nothing unless a pass is due, too': {
      from: "(record.phase !== 'deleting' && teardownAt <= now)",
      to: 'false',
    },
    'agents nudge passes over a cluster that is being destroyed already': {
      from: "(record.phase !== 'deleting' && teardownAt <= now)",
      to: 'teardownAt <= now',
    },
    'a node may call as often as it likes': {
      from: 'if (!(isOfJob(call) ? jobCalls : calls).take(',
      to: 'if (null === (isOfJob(call) ? jobCalls : calls).take(',
    },
    'a node beyond those of the cluster may report': {
      from: 'rank >= record.nodes.length',
      to: 'rank > record.nodes.length',
    },
  }),
  ...inFile('lib/app/hear-job.ts', ['test/unit/app/hear-job.test.ts'], {
    'a node that does not run the job ends it': {
      from: 'if (!isRunner && !(await isLame(deps, id, call))) return heard;',
      to: '',
    },
    'a node that could not begin keeps the others waiting': {
      from: 'if (!isRunner && !(await isLame(deps, id, call))) return heard;',
      to: 'if (!isRunner) return heard;',
    },
    'the job that never starts is not over': {
      from: "if (start.kind === 'never') {\n    await settleJob(deps, id);",
      to: "if (start.kind === 'never') {",
    },
    'the job is not over when the last node has told all': {
      from: 'reason, results });\n      await settleJob(deps, id);',
      to: 'reason, results });',
    },
    'results count that did not arrive': {
      from: 'return size === results.bytes ? results : null;',
      to: 'return results;',
    },
    'tasks of a node that was never created are done by nobody': {
      from: 'index: nodes.runners.indexOf(rank), of: nodes.runners.length',
      to: 'index: rank, of: record.nodes.length',
    },
    'a node uploads as often as it likes': {
      from: 'if (!deps.uploads.take(',
      to: 'if (null === deps.uploads.take(',
    },
    'a job is not failed by a node that does not get ready': {
      from: "case 'failed':\n      await settleJob(deps, id);",
      to: "case 'failed':",
    },
  }),
  ...inFile('lib/app/settle-job.ts', ['test/unit/app/hear-job.test.ts'], {
    'a job that was cut off ends its cluster before the teardown time': {
      from: "if (outcome?.state === 'stopped' && isEndNear(record, now)) return null;",
      to: '',
    },
    'a cluster whose teardown was moved after the last call stays': {
      from: 'return lifeOf(record, now).teardownAt <= soon;',
      to: 'return true;',
    },
    'a silent node is waited for to the end of the budget': {
      from: 'const isAsked = countsSilent &&',
      to: 'const isAsked = false &&',
    },
  }),
  ...inFile('lib/app/read-job.ts', ['test/unit/app/hear-job.test.ts'], {
    'a log goes on past what was told of it': {
      from: '.subarray(from - start, bytes - start)',
      to: '.subarray(from)',
    },
    'a log whose files have expired never ends': {
      from: 'const next = isOver && found.length === 0 ? Math.max(from, bytes) :',
      to: 'const next = false ? bytes :',
    },
  }),
  ...inFile('lib/core/pass/job-over.ts', ['test/unit/core/pass/job-over.test.ts'], {
    'a second outcome of a job ends its cluster': {
      from: 'if (job === null || record.jobEnd !== undefined ||',
      to: 'if (job === null ||',
    },
    'the nodes of a failed job live into an hour that is not paid': {
      from: 'minus(paidUntil(record, now), record.marginMs)',
      to: 'paidUntil(record, now)',
    },
    'a look after a failure runs over the end of the month': {
      from: "price.monthEndHour === 'startMonth' ? mark : earliest(monthEnd, mark)",
      to: 'mark',
    },
  }),
  ...inFile('lib/core/cluster/life.ts', ['test/unit/core/cluster/life.test.ts'], {
    'the end of a job makes a cluster live longer than its budget': {
      from: 'earliest(affordable, plus(endBy, marginMs))',
      to: 'plus(endBy, marginMs)',
    },
  }),
  ...inFile('lib/core/job/progress.ts', ['test/unit/core/job/progress.test.ts'], {
    'a job starts before every node has its inputs': {
      from: "if (node === undefined) return { kind: 'go' };",
      to: "if (missing.length < nodes.live.length) return { kind: 'go' };",
    },
    'a job is over when its first node is': {
      from: '!runners.every(isOver)',
      to: '!runners.some(isOver)',
    },
    'a job whose command failed on one node is done': {
      from: 'ends.find(({ end }) => end.exitCode !== 0)',
      to: 'ends.find(({ end }) => end.exitCode === null)',
    },
  }),
  ...inFile('lib/core/cluster/readiness.ts', ['test/unit/core/cluster/readiness.test.ts'], {
    'a late failure takes back that a node was ready': {
      from: "before?.kind === 'ready' ? before : next;",
      to: 'next;',
    },
    'a cluster is ready when its first node is': {
      from: 'ready.length < counted.length ? null :',
      to: 'ready.length === 0 ? null :',
    },
    'a reason keeps what commands a terminal': {
      from: '/[\\p{C}\\p{Z}]+/gu',
      to: '/[\\p{Z}\\n]+/gu',
    },
  }),
  ...inFile(
    'lib/adapters/dynamodb/agent-reports.ts',
    ['test/unit/adapters/dynamodb/agent-reports.test.ts'],
    {
      'a late failure takes back in the table that a node was ready': {
        from: "ConditionExpression: 'attribute_not_exists(#rank.readyAt)',",
        to: "ConditionExpression: 'attribute_not_exists(#rank.failed)',",
      },
    },
  ),
  ...inFile('lib/app/offer.ts', ['test/unit/app/launch.test.ts'], {
    'nodes get an agent although no key makes its token': {
      from: 'canHaveAgent && publicUrl !== null && hasKey;',
      to: 'canHaveAgent && publicUrl !== null;',
    },
  }),
  ...inFile('lib/app/read-reports.ts', ['test/unit/app/read-reports.test.ts'], {
    'a cluster is hidden where the reports of its agents can not be read': {
      from: 'return reports.read(ids).catch(',
      to: 'return reports.read(ids).finally(',
    },
    'the reports of clusters without agents are read': {
      from: 'agent === true)',
      to: 'agent !== null)',
    },
  }),
  ...inFile('lib/app/rate-limit.ts', ['test/unit/app/rate-limit.test.ts'], {
    'all subjects together may do as much as one': {
      from: 'wholeAt.get(subject)',
      to: '[...wholeAt.values()].at(-1)',
    },
    'a subject that waits is allowed more than its burst': {
      from: 'latest(known, now)',
      to: 'known',
    },
    'a clock that is set back keeps nodes from reporting': {
      from: 'known - now > span ? now : ',
      to: '',
    },
  }),
  ...inFile('lib/read-settings.ts', ['test/unit/wire.test.ts'], {
    "agents' tokens are sent in clear over the internet": {
      from: "url.protocol === 'https:' || isPrivate(url.hostname)",
      to: "url.protocol !== 'ftp:'",
    },
  }),
];

const rooms = [
  ...inFile('lib/app/room-keys.ts', ['test/unit/app/room-keys.test.ts'], {
    'the key by which nodes log in to each other is their host key': {
      from: "keyPair(key, 'onebuck peer key', id)",
      to: "keyPair(key, 'onebuck host key', id)",
    },
    'all clusters have the same keys': {
      from: "hkdfSync('sha256', key, purpose, id, 36)",
      to: "hkdfSync('sha256', key, purpose, '', 36)",
    },
  }),
  ...inFile('lib/app/user-data.ts', ['test/unit/app/user-data.test.ts'], {
    'user data passes the quote that another rank makes too large': {
      from: 'const GZIP_VARIES_BY = 64;',
      to: 'const GZIP_VARIES_BY = 0;',
    },
    'user data that fits is sent in gzip': {
      from: 'message.length <= USER_DATA_BYTES_MAX ? message',
      to: 'message.length < 0 ? message',
    },
    "a node's agent calls as the first node": {
      from: 'agentToken(key, { clusterId: id, rank: index,',
      to: 'agentToken(key, { clusterId: id, rank: 0,',
    },
  }),
  ...inFile('lib/app/user-data.ts', ['test/unit/app/reconcile.test.ts'], {
    'open ports alone change nothing on the nodes': {
      from: 'spec.setup.length > 0 || spec.openPorts.length > 0;',
      to: 'spec.setup.length > 0;',
    },
  }),
  ...inFile('lib/app/offer.ts', ['test/unit/handlers/quotes.test.ts'], {
    'user data that does not fit passes the quote': {
      from: 'if (isGuarded) {',
      to: 'if (!isGuarded) {',
    },
  }),
  ...inFile('lib/core/room/user-data.ts', ['test/unit/core/room/user-data.test.ts'], {
    "a user's host key replaces the one that clients expect": {
      from: "    ...(facts.user === null ? [] : [userPart(withoutBom(facts.user))]),\n    part('text/cloud-config', cloudConfig(facts)),",
      to: "    part('text/cloud-config', cloudConfig(facts)),\n    ...(facts.user === null ? [] : [userPart(withoutBom(facts.user))]),",
    },
  }),
  ...inFile('lib/core/room/scripts/boot.ts', ['test/unit/core/room/boot.test.ts'], {
    'nodes are open to the internet': {
      from: 'type filter hook input priority 0; policy drop;',
      to: 'type filter hook input priority 0; policy accept;',
    },
    'whoever claims an address of the subnet gets in from the internet': {
      from: 'echo "iifname $lan ip saddr $cidr accept"',
      to: 'echo "ip saddr $cidr accept"',
    },
    'ports that Docker publishes are open': {
      from: 'iifname $wan drop\n',
      to: '',
    },
    "the nodes' key opens them from the internet": {
      from: 'from="',
      to: 'environment="',
    },
    "a reboot takes away the agent's renewed token": {
      from: '[ -e $d/token ] || echo',
      to: 'echo',
    },
    'a node made of an image of another node has its token': {
      from: '= "$cluster-$rank" ] || rm -rf $d',
      to: '= "$cluster-$rank" ] || true',
    },
    "cloud-init waits for the agent, and the agent for cloud-init's network": {
      from: 'systemctl --no-block start onebuck-agent',
      to: 'systemctl start onebuck-agent',
    },
  }),
  ...inFile('lib/core/room/scripts/job.ts', ['test/unit/core/room/job/agent.test.ts'], {
    'each node does all tasks': {
      from: "[part_of['index']::part_of['of']]",
      to: '',
    },
  }),
  ...inFile('lib/core/room/scripts/job.ts', ['test/unit/core/room/job/calls.test.ts'], {
    'a lost reply is not asked for again': {
      from: '        if once:\n',
      to: '        if True:\n',
    },
  }),
  ...inFile('lib/core/room/scripts/job.ts', ['test/unit/core/room/job/command.test.ts'], {
    'a reboot counts as the end of the command': {
      from: "if ended and (last or not ended.get('isStopped')):",
      to: 'if ended:',
    },
    'a command goes on after its agent, and is lost to the next': {
      from: '        is_running = holder() is not None',
      to: '        is_running = False',
    },
  }),
  ...inFile('lib/core/room/scripts/job.ts', ['test/unit/core/room/job/inputs.test.ts'], {
    'a part of an input counts as all of it': {
      from: "if source.bytes != item['bytes']:",
      to: 'if False:',
    },
    'inputs have links out of the folder': {
      from: '    if not is_inside(target):',
      to: '    if False:',
    },
    'inputs are written below a link that leads out by now': {
      from: "'..' in name.split('/') or not is_inside(folder):",
      to: "'..' in name.split('/'):",
    },
  }),
  ...inFile('lib/core/room/scripts/job.ts', ['test/unit/core/room/job/last-call.test.ts'], {
    'the last call comes with the teardown': {
      from: 'stop or time.time() >= teardown - grace',
      to: 'stop or time.time() >= teardown',
    },
    'a command that ignores SIGTERM takes the time for its results': {
      from: 'signal.SIGUSR1 if time.time() >= kill_at() else',
      to: 'signal.SIGTERM if time.time() >= kill_at() else',
    },
    'a moved teardown time does not move the last call': {
      from: "    teardown = seconds(answer['teardownAt'])",
      to: '    pass',
    },
  }),
  ...inFile('lib/core/room/scripts/job.ts', ['test/unit/core/room/job/results.test.ts'], {
    'results have what links outside lead to': {
      from: '                    if not is_inside(path):',
      to: '                    if False:',
    },
  }),
  ...inFile('lib/core/room/scripts/agent.ts', ['test/unit/core/room/agent.test.ts'], {
    'the agent of a job starts on a node that failed': {
      from: 'if [ -s $d/told ] && [ -e',
      to: 'if [ -e',
    },
    'a node with an open firewall is ready': {
      from: 'if [ ! -s $d/fault ] && grep',
      to: 'if grep',
    },
    'all nodes ask for the end in the same second': {
      from: 'spread=$((rank % 30))',
      to: 'spread=0',
    },
    'no node asks for the end while cloud-init runs': {
      from: 'if [ "$now" -ge "$due" ]; then',
      to: 'if [ -e $d/told ] && [ "$now" -ge "$due" ]; then',
    },
    'an agent that was not heard says no more that its node is ready': {
      from: "call ready '' && echo ready",
      to: "call ready ''; echo ready",
    },
    'a moved teardown time never reaches the node': {
      from: 'echo "$at" | keep teardown-at 644',
      to: ':',
    },
  }),
  ...inFile('lib/core/room/scripts/sending.ts', ['test/unit/core/room/boot.test.ts'], {
    'nodes send at full speed beyond their allowance': {
      from: 'quota name allowance jump slow\n',
      to: '',
    },
    'what nodes send to each other counts': {
      from: 'oifname != $wan accept\n',
      to: '',
    },
    'what is dropped counts as sent': {
      from: 'quota name allowance jump slow\ncounter name sent',
      to: 'counter name sent\nquota name allowance jump slow',
    },
    'a slowed node has no limit after a reboot': {
      from: '[ "$used" -le "$allowance" ] ||',
      to: 'true ||',
    },
    'a reboot takes away what a node has sent': {
      from: '[ ! -s $d/sent ] || read',
      to: 'true || read',
    },
    'a node has the allowance of the month in which it was switched off': {
      from: '|| { sent=0; allowance=$slice; }',
      to: '|| :',
    },
  }),
  ...inFile('lib/core/room/scripts/sending.ts', ['test/unit/core/room/sending.test.ts'], {
    'a larger allowance begins at 0': {
      from: 'used $used bytes }',
      to: 'used 0 bytes }',
    },
    'a month turns up to ten seconds late': {
      from: 'soon=$((86400 - $(date +%s) % 86400))',
      to: 'soon=10',
    },
    'what is sent while a month turns belongs to none': {
      from: '$((sent - before))',
      to: '0',
    },
    'all nodes ask in the same second of a new month': {
      from: 'patience=$((spread / 10))',
      to: 'patience=0',
    },
    'a grant of the month before holds': {
      from: '[ "$that" -eq "$month" ] && [',
      to: '[',
    },
    'nodes that find Onebuck busy ask again all at once': {
      from: 'patience=$((1 + spread / 3))',
      to: 'patience=1',
    },
    'a node to which nothing is granted asks each ten seconds': {
      from: 'patience=$((30 + rank / 10))',
      to: 'patience=1',
    },
    'who flushes all rules takes the limit away': {
      from: '-ge "$sent" ] || renew',
      to: '-ge "$sent" ] || :',
    },
    'a node that sends little asks, too': {
      from: '[ $((sent * 2)) -lt "$allowance" ]',
      to: 'false',
    },
  }),
];

const networks = [
  ...inFile('lib/core/room/network.ts', ['test/unit/core/room/network.test.ts'], {
    'a subnet in the middle of a larger one counts as free': {
      from: 'next < block + blocksOf(size); next += 1) used.add(next)',
      to: 'next < block + 1; next += 1) used.add(next)',
    },
    'the first node has the address of the subnet itself': {
      from: 'const number = block * 256 + index + 1;',
      to: 'const number = block * 256 + index;',
    },
  }),
  ...inFile('lib/core/caps/ledger.ts', ['test/unit/core/caps/ledger.test.ts'], {
    'a subnet is handed out twice': {
      from: 'const taken = [...open.values()].flatMap(({ subnet }) => subnet ?? []);',
      to: 'const taken: Subnet[] = [];',
    },
    'a repeated launch gets a subnet that is too small': {
      from: "return blocksOf(before.bits) < blocksOf(subnetBits) ? 'tooSmall' : before;",
      to: 'return before;',
    },
    'the audit frees the subnet of a cluster whose Linodes live without a record': {
      from: 'if (record === undefined && listed.has(id)) continue;',
      to: '',
    },
    'the audit leaves out the subnet of a live cluster that it enters': {
      from: '{ ...opened, ...subnet, hourly',
      to: '{ ...opened, hourly',
    },
    'the audit leaves a subnet that differs from the record': {
      from: 'if (isSameSubnet(entry.subnet, network?.subnet)) return',
      to: 'if (isSameSubnet(entry.subnet, network?.subnet) || network) return',
    },
  }),
  ...inFile('lib/adapters/dynamodb/ledger.ts', ['test/unit/adapters/dynamodb/ledger.test.ts'], {
    'code from before subnets reads a ledger that has some, and drops them': {
      from: 'subnet) ? SUBNETS_VERSION : VERSION',
      to: 'subnet) ? VERSION : VERSION',
    },
    'a /22 is read as a /24': {
      from: 'number % 2 === 1 ? 22 : 24',
      to: 'number % 2 === 2 ? 22 : 24',
    },
  }),
  ...inFile('lib/app/launch.ts', ['test/unit/app/launch.test.ts'], {
    'an eleventh VLAN is bought': {
      from: 'labels.length < VLANS_IN_REGION_MAX) {',
      to: 'labels.length <= VLANS_IN_REGION_MAX) {',
    },
    "the stage's own VLAN counts as one more": {
      from: 'labels === null || labels.includes(vlan) ||',
      to: 'labels === null ||',
    },
  }),
  ...inFile('lib/app/carry-out.ts', ['test/unit/app/reconcile.test.ts'], {
    'all nodes get the address of the first': {
      from: 'address: addressInCidr(network.subnet, index)',
      to: 'address: addressInCidr(network.subnet, 0 * index)',
    },
  }),
  ...inFile('lib/core/pass/plan.ts', ['test/unit/core/pass/plan.test.ts'], {
    'the VLAN that all clusters share goes with one of them': {
      from: "network?.kind === 'isolated' && { vlan",
      to: 'network && { vlan',
    },
  }),
  ...inFile('lib/app/sweep.ts', ['test/flows/networks.test.ts'], {
    'the sweeper deletes VLANs of other deployments': {
      from: 'forEachAtMost(CALLS_AT_ONCE, ours, async',
      to: 'forEachAtMost(CALLS_AT_ONCE, empty, async',
    },
    'the sweeper leaves the VLANs of ended clusters': {
      from: 'forEachAtMost(CALLS_AT_ONCE, ours, async',
      to: 'forEachAtMost(CALLS_AT_ONCE, [] as typeof ours, async',
    },
  }),
  ...inFile('lib/app/sweep.ts', ['test/unit/app/sweep.test.ts'], {
    'a slow list of VLANs keeps the sweeper until its end': {
      from: 'earliest(by, plus(clock.now(), VLAN_TIME_MAX));',
      to: 'by;',
    },
  }),
];

const digests = [
  ...inFile('lib/app/send-digests.ts', ['test/flows/digests.test.ts'], {
    'a digest that a function has not read whole is sent all the same': {
      from: "const stage = cursor === null ? 'sending' : 'reading';",
      to: "const stage = 'sending' as 'sending' | 'reading';",
    },
    'a message that another function is sending counts as sent': {
      from: "if (claim !== 'claimed') return claim === 'sent';",
      to: "if (claim !== 'claimed') return true;",
    },
    'a message that a channel has taken is not noted': {
      from: 'await digests.sent(key, clock.now());',
      to: '',
    },
    'a message that a channel refused waits until its claim is over, and is lost at the end': {
      from: 'await digests.release(key);',
      to: 'await digests.sent(key, clock.now());',
    },
    'one mark is for all channels, so that only the first gets a digest': {
      from: '(digest)}/$' + '{name}`;',
      to: '(digest)}`;',
    },
    'a channel that fails is not seen by the alarm': {
      from: 'if (reason === null) return;',
      to: 'return;',
    },
    'a channel that hangs holds up the function until it dies': {
      from: 'await Promise.race([open().send(digest), tooLong(clock)]);',
      to: 'await open().send(digest);',
    },
    'a digest is sent before its period has settled': {
      from: 'const SETTLE = hours(1);',
      to: 'const SETTLE = hours(0);',
    },
  }),
  ...inFile('lib/core/notices/digest/message.ts', ['test/unit/adapters/aws/sns.test.ts'], {
    'a digest of many clusters is larger than SNS takes': {
      from: 'fairShare(rows, room - used, ({ line }) => sizeOf(line))',
      to: 'fairShare(rows, room - used, () => 0)',
    },
    'a digest of many owners is larger than SNS takes': {
      from: 'room / 2, (one) => sizeOf(ownerJson(one))',
      to: 'room / 2, () => 0',
    },
  }),
  ...inFile(
    'lib/core/notices/digest/fair-share.ts',
    ['test/unit/core/notices/digest/digest.test.ts'],
    {
      'an owner of many clusters takes the rows of others': {
        from: 'ranked.toSorted((a, b) => a.rank - b.rank)',
        to: 'ranked',
      },
    },
  ),
  ...inFile('lib/core/notices/digest/digest.ts', ['test/unit/core/notices/digest/digest.test.ts'], {
    'an owner named constructor has a function for a tally, and nobody gets a digest': {
      from: '(Object.hasOwn(owners, owner) ? owners[owner] : undefined)',
      to: 'owners[owner]',
    },
  }),
  ...inFile(
    'lib/core/notices/digest/totals.ts',
    [
      'test/unit/core/notices/digest/totals.test.ts',
      'test/unit/core/notices/digest/digest.test.ts',
    ],
    {
      'the transfer of a cluster counts in each of its weeks': {
        from: '(at === endedAt ? transfer : 0)',
        to: 'transfer',
      },
      'a cluster with only its transfer in a week is in the bill and not in the table': {
        from: 'clusters: nodeHours > 0 || billed > 0 ? 1 : 0',
        to: 'clusters: nodeHours > 0 ? 1 : 0',
      },
      'the hours of a node count in a week before it existed': {
        from: 'nodes.filter(({ billedFrom }) => billedFrom < at),\n        earliest(at, endedAt),',
        to: 'nodes,\n        earliest(at, endedAt),',
      },
    },
  ),
  ...inFile('lib/adapters/dynamodb/digests.ts', ['test/unit/adapters/dynamodb/digests.test.ts'], {
    'two functions may send a message at once': {
      from: "'(attribute_not_exists(claimedUntil) OR claimedUntil <= :now)',",
      to: "'(attribute_not_exists(claimedUntil) OR claimedUntil <= :until)',",
    },
    'a message that was sent may be claimed again': {
      from: "'attribute_not_exists(sentAt) AND ' +",
      to: "'(attribute_exists(id) OR attribute_not_exists(id)) AND ' +",
    },
  }),
];

const jobs = [
  ...inFile('cli/jobs/links.ts', ['test/unit/cli/jobs/unpack.test.ts'], {
    'a link in results leads out of their folder': {
      from: 'up <= depth',
      to: 'up <= depth + 1',
    },
    'a link in results leads out by way of another': {
      from: "!steps.slice(up).includes('..')",
      to: 'true',
    },
  }),
  ...inFile('cli/jobs/unpack.ts', ['test/unit/cli/jobs/unpack.test.ts'], {
    'results are written through a link': {
      from: 'else if (!stat.isDirectory())',
      to: 'else if (stat.isFile())',
    },
    'results unpack to more than was said': {
      from: '|| written + moreBytes > unpackedBytes',
      to: '',
    },
    'results have files that nobody asked for': {
      from: "return (name) => name === '' || rules.ignores(name);",
      to: 'return () => true;',
    },
    'results bring hooks for git': {
      from: "step.toLowerCase() === '.git'",
      to: 'false',
    },
  }),
  ...inFile('cli/jobs/ignored.ts', ['test/unit/cli/jobs/pack.test.ts'], {
    'what a deeper .gitignore brings back is left out of an upload': {
      from: "const isNot = line.startsWith('!');",
      to: 'const isNot = false;',
    },
  }),
  ...inFile('cli/jobs/transfer.ts', ['test/unit/cli/jobs/transfer.test.ts'], {
    'a download is longer than was said': {
      from: 'if (there + part.length > bytes) throw longer();',
      to: '',
    },
    'a download that goes on begins anew': {
      from: "openSync(file, isRest ? 'a' : 'w', 0o600)",
      to: "openSync(file, 'w', 0o600)",
    },
  }),
  ...inFile('client/log-lines.ts', ['test/unit/client/log-lines.test.ts'], {
    'a log moves the terminal if it has colours': {
      from: 'if (!colours || !COLOUR.test(found)) return',
      to: 'if (!colours) return',
    },
  }),
  ...inFile('client/patience.ts', ['test/unit/client/patience.test.ts'], {
    'the sleep of a laptop is an outage': {
      from: 'waitedMs += pause;',
      to: 'waitedMs = Date.now();',
    },
  }),
  ...inFile('cli/jobs/run.ts', ['test/unit/cli/jobs/run.test.ts'], {
    'a job that was stopped looks like one that is done': {
      from: "if (exitCode === 0) return state === 'stopped' ? STOPPED : RUN_FAILED;",
      to: '',
    },
  }),
  ...inFile('cli/jobs/upload.ts', ['test/unit/cli/jobs/run.test.ts'], {
    'a launch without an answer uploads again, and is another one': {
      from: 'sent.find(spec) ?? withInput',
      to: 'withInput',
    },
  }),
];

const transfer = [
  ...inFile('lib/core/billing/transfer.ts', ['test/unit/core/billing/transfer.test.ts'], {
    'the hour that is not over brings something': {
      from: 'hoursBilled - (index === 0 ? 1 : 2)',
      to: 'hoursBilled - (index === 0 ? 0 : 2)',
    },
    'an hour across the end of a month brings something in the new month': {
      from: 'hoursBilled - (index === 0 ? 1 : 2)',
      to: 'hoursBilled - 1',
    },
    'nodes send on after they are gone': {
      from: 'const end = until === null ? at : earliest(at, until);',
      to: 'const end = at;',
    },
    'what may be sent until the next measure does not count': {
      from: '(fast * peak + (to - from - fast) * mean) / HOUR',
      to: '((to - from - fast) * mean) / HOUR',
    },
    'background traffic costs from its first byte on': {
      from: '.filter(([, bytes]) => bytes > background)',
      to: '.filter(([, bytes]) => bytes > 0)',
    },
    'the background traffic of many nodes is that of one': {
      from: 'Math.max(BYTES_PER_GB, Math.floor(nodes * ',
      to: 'Math.min(BYTES_PER_GB, Math.floor(nodes * ',
    },
    'nodes that bring nothing have background traffic for free': {
      from: 'Math.min(BACKGROUND_OF_NODE, inAnHour)',
      to: 'BACKGROUND_OF_NODE',
    },
    'a started GB beyond is free': {
      from: 'Math.ceil(bytes / BYTES_PER_GB) - (brought',
      to: 'Math.floor(bytes / BYTES_PER_GB) - (brought',
    },
    'a bill that falls again hides that it was beyond the budget': {
      from: 'return reached < middle ? reached : goodUntil(middle, end);',
      to: 'return fits(end, end) ? end : reached;',
    },
    'what is held back does not shorten the life that brings': {
      from: 'reserved = needed;',
      to: 'return needed;',
    },
  }),
  ...inFile('lib/core/cluster/change.ts', ['test/flows/transfer.test.ts'], {
    'a change plans transfer of a cluster whose transfer does not count': {
      from: "if (plansTransfer && record.bought.transfer === undefined) return { kind: 'noTransfer' };",
      to: '',
    },
  }),
  ...inFile('lib/app/offer.ts', ['test/flows/transfer.test.ts'], {
    'nobody is told that transferGb has no effect': {
      from: '? [UNCOUNTED] : []',
      to: '? [] : []',
    },
  }),
  ...inFile('lib/core/pass/batches.ts', ['test/unit/core/pass/measure.test.ts'], {
    'one large cluster is measured beside all calls that a tick may make': {
      from: 'nodes === 0 ? callsLeft :',
      to: 'nodes === 0 ? MEASURES_PER_TICK * 9 :',
    },
  }),
  ...inFile('lib/core/pass/plan.ts', ['test/unit/core/pass/measure.test.ts'], {
    'passes look for the instant at which transfer passes a budget that it has passed': {
      from: 'passesBudgetAt > now && overspentAt(record, now) === 0;',
      to: 'passesBudgetAt > now;',
    },
    'passes over nodes that Linode does not delete follow each other at once': {
      from: 'latest(poll, passesBudgetAt)',
      to: 'passesBudgetAt',
    },
  }),
  ...inFile('lib/core/cluster/sent.ts', ['test/unit/core/pass/measure.test.ts'], {
    'nodes that were not measured count as silent': {
      from: 'one.more === null ? one.expected + expectedOf(one) : 0',
      to: '0',
    },
    'what a node was expected to have sent counts beside what it did': {
      from: 'one.more === null ? one.expected + expectedOf(one) : 0',
      to: 'one.expected + expectedOf(one)',
    },
    'what a node that is never measured sent counts anew at each measure': {
      from: 'between(latest(since, begin), until)',
      to: 'between(begin, until)',
    },
    'a node that has sent more than others is expected to send as they do': {
      from: 'bytesOf(Math.max(mean, own), ',
      to: 'bytesOf(mean, ',
    },
    'a node that is gone is expected to send on': {
      from: "isSender(node) || !('billedUntil' in node) ? now : node.billedUntil",
      to: 'now',
    },
    'the same nodes of a large cluster are measured each time': {
      from: '(sent?.measuredAt[a.index] ?? 0) - (sent?.measuredAt[b.index] ?? 0)',
      to: 'a.index - b.index',
    },
    'a lower figure takes back what was seen of a node': {
      from: 'Math.max(0, found - bytes)',
      to: 'found - bytes',
    },
    'one wrong figure takes the limit off for good': {
      from: 'found.find(({ index }) => doubted.includes(index))',
      to: 'found[0]',
    },
    'nodes in doubt are trusted again without a measure of them': {
      from: 'isSender(node) && !measured.has(node.index)',
      to: 'false',
    },
    'nodes that keep to no limit hide behind others': {
      from: 'allowedOf(node) * TOLERATED_SHARE + TOLERATED_BYTES',
      to: 'allowedOf(node) * record.nodes.length * TOLERATED_SHARE + TOLERATED_BYTES',
    },
    'the first minutes of a month take the figure of the last': {
      from: 'now < plus(monthNamed(monthName(now)).start, NEW_MONTH)',
      to: 'now < monthNamed(monthName(now)).start',
    },
  }),
  ...inFile('lib/core/cluster/sent.ts', ['test/unit/core/notices/events.test.ts'], {
    'nobody learns that nothing is measured': {
      from: 'now >= plus(since, UNMEASURED_MAX) ? since : null',
      to: 'now < plus(since, UNMEASURED_MAX) ? since : null',
    },
    'a cluster whose nodes are gone is said to send what can not be measured': {
      from: 'if (!isDue || sendersOf(record).length === 0) return null;',
      to: 'if (!isDue) return null;',
    },
  }),
  ...inFile('lib/core/cluster/transfer.ts', ['test/unit/core/pass/measure.test.ts'], {
    'a resized node goes on to bring what it did': {
      from: 'const [first, ...rest] = [...end, ...changes.map(({ from }) => from)];',
      to: 'const [first, ...rest] = [...end];',
    },
  }),
  ...inFile('lib/core/cluster/sent.ts', ['test/unit/core/cluster/sent.test.ts'], {
    'grants of nodes that can not be measured are forgotten': {
      from: 'return withGranted(record, granted, now);',
      to: 'return record;',
    },
    'a month in which only grants are known counts as silent once it is over': {
      from: 'isMeasured(sent) ? sentByMonth : mayBeSentByMonth',
      to: 'sentByMonth',
    },
  }),
  ...inFile('lib/core/cluster/transfer.ts', ['test/unit/core/cluster/sent.test.ts'], {
    'a new month may send again what nodes were granted before the first measure': {
      from: 'record.sent ?? (granted ? unmeasured(record, granted, now) : undefined)',
      to: 'record.sent',
    },
    'the record leaves out a month that nobody has measured': {
      from: 'before: possibleBefore(record, granted, month),',
      to: 'before: {},',
    },
  }),
  ...inFile('lib/core/cluster/change.ts', ['test/unit/core/cluster/allowance.test.ts'], {
    'a change counts as nothing what nodes were granted': {
      from: 'withSent(kept, NOT_MEASURED, now, granted)',
      to: 'kept',
    },
  }),
  ...inFile('lib/app/hear-agent.ts', ['test/unit/app/hear-sending.test.ts'], {
    'a node that others forestall takes it that nothing is left': {
      from: "throw new AppError('tooMany', 'Many nodes of",
      to: "return toldAllowance(record, null, asking, clock.now()); throw new AppError('tooMany', 'Many nodes of",
    },
  }),
  ...inFile('lib/app/sendable.ts', ['test/unit/app/sendable.test.ts'], {
    'a changed cluster may send what it could before': {
      from: '[record.revision, month,',
      to: '[month,',
    },
  }),
  ...inFile('lib/core/cluster/allowance.ts', ['test/unit/app/hear-sending.test.ts'], {
    'a node hears of what the budget does not pay': {
      from: 'told <= certain || isPaid(record',
      to: 'told <= certain || true || isPaid(record',
    },
  }),
  ...inFile('lib/core/cluster/allowance.ts', ['test/unit/core/cluster/allowance.test.ts'], {
    'what nodes were granted already is granted again': {
      from: 'sendable(record, granted, now) - Math.ceil(possible * COUNTED_SHARE)',
      to: 'sendable(record, granted, now)',
    },
    'nodes that bring nothing may send nothing of what is left': {
      from: 'isAllPaid ? soon :',
      to: 'isAllPaid ? steady :',
    },
    'a rebuilt node is granted again what it may have sent': {
      from: 'since === countedSince ? before : allowed',
      to: 'before',
    },
    'a node is granted again what its counter leaves out': {
      from: 'isSure ? measuredOf(record, rank, month) - sentBytes : 0',
      to: '0',
    },
    'a node that claims to be rebuilt again and again is allowed more than is left': {
      from: 'Math.min(Math.max(0, uncounted + slice - possible), left)',
      to: 'Math.max(0, uncounted + slice - possible)',
    },
    'a restored node is granted again what it has counted': {
      from: '(ofMonth?.uncounted?.[rank] ?? 0) + fallen',
      to: '(ofMonth?.uncounted?.[rank] ?? 0)',
    },
    'a call of before a node was rebuilt takes its grant away': {
      from: ' || countedSince < since) return null;',
      to: ') return null;',
    },
    'the first node that asks gets all that is left': {
      from: 'Math.min(rest, fair, step)',
      to: 'rest',
    },
    'a node gets more each time that it asks': {
      from: 'sentBytes < Math.max(slice, allowed - uncounted) / 2',
      to: 'sentBytes < 0',
    },
  }),
  ...inFile('lib/core/cluster/slowed.ts', ['test/unit/core/cluster/slowed.test.ts'], {
    'nodes that may yet be granted more are told of as slowed': {
      from: 'leftBytes(record, granted, now) < possibleBytes',
      to: '0 < possibleBytes',
    },
  }),
  ...inFile('lib/core/pass/kinds.ts', ['test/unit/core/pass/measure.test.ts'], {
    'a price of transfer that falls is taken': {
      from: 'found === null || found <= known',
      to: 'found === null || found === known',
    },
  }),
  ...inFile('lib/core/pass/batches.ts', ['test/unit/core/pass/measure.test.ts'], {
    'a tick measures as many nodes as are due': {
      from: 'if (nodes + count > most)',
      to: 'if (nodes < 0 && nodes + count > most)',
    },
  }),
  ...inFile('lib/core/cluster/bills.ts', ['test/unit/core/pass/measure.test.ts'], {
    'reports leave transfer out': {
      from: 'if (transfer === null) return hours;',
      to: 'if (transfer === null || isLive(record)) return hours;',
    },
  }),
  ...inFile('lib/core/cluster/life.ts', ['test/unit/core/pass/measure.test.ts'], {
    'the bill at the teardown leaves out what is reserved': {
      from: 'Math.max(transfer.reserved, transferCost(transfer, at))',
      to: 'transferCost(transfer, at)',
    },
  }),
  ...inFile('lib/app/reconcile.ts', ['test/flows/transfer.test.ts'], {
    'no pass measures what nodes send': {
      from: 'withSent(priced, measured, now, granted)',
      to: 'withSent(priced, UNMEASURED.measured, now, granted)',
    },
    'the record of a cluster that can not be measured has no trouble': {
      from: '[...failures, ...unmeasuredTexts(record, now)]',
      to: 'failures',
    },
  }),
  ...inFile('lib/app/measure.ts', ['test/flows/transfer.test.ts'], {
    'a measure that fails ends the pass': {
      from: 'reasons.add(reasonOf(error));',
      to: 'throw error;',
    },
  }),
];

export const mutants: readonly Mutant[] = [
  ...[
    ...money,
    ...names,
    ...billing,
    ...price,
    ...quote,
    ...inventories,
    ...cluster,
    ...observe,
    ...members,
    ...apply,
    ...plan,
  ],
  ...[
    ...orphans,
    ...change,
    ...owners,
    ...periods,
    ...ledger,
    ...reconcile,
    ...sweep,
    ...unreadable,
    ...reap,
    ...atMost,
    ...launch,
    ...reports,
    ...invoices,
    ...offer,
    ...clusters,
    ...schedules,
    ...reasons,
    ...extension,
    ...sizes,
    ...refusals,
    ...launches,
    ...narrow,
    ...startups,
    ...worstMonth,
    ...typed,
    ...warnings,
    ...changeCluster,
  ],
  ...counted,
  ...passes,
  ...crowd,
  ...settings,
  ...work,
  ...agents,
  ...rooms,
  ...networks,
  ...jobs,
  ...digests,
  ...transfer,
];
