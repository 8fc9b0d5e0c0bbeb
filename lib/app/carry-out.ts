import {
  clusterTag,
  ownershipTag,
  reapTimeOfTags,
  type Tag,
  withReapTag,
} from '../core/base/names.ts';
import { type EpochMs, earliest, latest, minutes, plus, seconds } from '../core/base/units.ts';
import { sliceOf } from '../core/cluster/limited.ts';
import type { Linode } from '../core/cluster/linode.ts';
import { isKnownWithoutTag } from '../core/cluster/members.ts';
import type { LiveRecord } from '../core/cluster/record.ts';
import { hasKeys } from '../core/cluster/spec.ts';
import type { Outcome } from '../core/pass/apply.ts';
import {
  type ActiveStep,
  CREATE_WINDOW,
  type Executors,
  type Step,
  TAGGING_TIME_MAX,
} from '../core/pass/steps.ts';
import { addressInCidr, type RoomNetwork } from '../core/room/network.ts';
import { AppError, reasonOf } from '../errors.ts';
import type { Clock, CreateRequest, LinodeApi, Log, Secrets, VlanAddress } from '../ports.ts';
import { expiryFrom } from './agent-token.ts';
import { rootPassword } from './root-password.ts';
import { isRoom, nodeUserData, plainUserData } from './user-data.ts';

export interface StepDeps {
  readonly clock: Clock;
  readonly linode: LinodeApi;
  readonly secrets: Pick<Secrets, 'passwordKey'>;
  readonly log: Log;
  /** The URL by which nodes reach the API; null: they can't. */
  readonly publicUrl: () => string | null;
}

/** How long a step may take before the pass saves its results and looks again. */
const STEP_TIME_MAX = seconds(60);
/** The same while the cluster is being destroyed: less than the pass keeps the cluster. */
const DELETION_TIME_MAX = seconds(25);
/** How long a pass tries to read a Linode that no list shows, before it deletes the Linode. */
const CHECK_TIME_MAX = seconds(10);
const RETRY_AFTER = seconds(10);
/** How long passes leave tags alone that Linode refused: it may refuse this token for ever. */
const RETAG_AFTER = minutes(10);

/** The results of a pass's steps. */
export interface CarriedOut {
  readonly outcomes: readonly Outcome[];
  /** When the next pass may see more than this pass. */
  readonly lookAgainAt: EpochMs;
  /** The reasons why steps could not be carried out. */
  readonly failures: readonly string[];
}

/**
 * Carries out all steps at once and waits for all of them: a step that fails does not stop the
 * others. Never throws.
 */
export async function carryOut(
  deps: StepDeps,
  intent: LiveRecord,
  steps: readonly Step[],
  passBy: EpochMs,
): Promise<CarriedOut> {
  const { clock, log } = deps;
  const most = intent.phase === 'deleting' ? DELETION_TIME_MAX : STEP_TIME_MAX;
  const by = earliest(passBy, plus(clock.now(), most));
  const execute = executors(deps, intent, by);
  const active = steps.filter((step) => step.kind !== 'wait');
  const outcomes = await Promise.all(
    active.map((step) =>
      executeOne(execute, step).catch((error: unknown): Outcome => {
        const reason = reasonOf(error);
        log.warn('step failed', { clusterId: intent.id, step: step.kind, reason });
        return outcomeOfError(error, step, plus(clock.now(), RETRY_AFTER));
      }),
    ),
  );
  const now = clock.now();
  return {
    outcomes,
    lookAgainAt: latest(now, ...outcomes.map((outcome) => retryAt(outcome, now))),
    failures: outcomes.flatMap((outcome) =>
      ['failed', 'notSent', 'deletionRefused'].includes(outcome.kind) && 'reason' in outcome
        ? [outcome.reason]
        : [],
    ),
  };
}

/** A refused token proves that the create had no effect; no other error proves that. */
function outcomeOfError(error: unknown, step: ActiveStep, retryAt: EpochMs): Outcome {
  const reason = reasonOf(error);
  const denied = error instanceof AppError && error.code === 'linodeDenied';
  if (step.kind === 'createNode') {
    const { index } = step;
    return denied ? { kind: 'notSent', index, reason, retryAt } : { kind: 'failed', index, reason };
  }
  // Linode refuses this deletion, such as that of a locked Linode, and not only this call.
  if (error instanceof AppError && error.code === 'linodeRejected' && step.kind === 'deleteNode') {
    const { index, linodeId } = step;
    return { kind: 'deletionRefused', index, linodeId, reason: refusalIn(reason) };
  }
  return { kind: 'failed', reason };
}

const REFUSAL_CHARACTERS_MAX = 120;

/** Linode's words without the call, which names the Linode's id. */
const refusalIn = (reason: string): string =>
  reason.replace(/^DELETE \S+: (\d+: )?/, '').slice(0, REFUSAL_CHARACTERS_MAX);

/**
 * When a pass should look again after this outcome: later, if Linode's list will not show the
 * change at once.
 */
function retryAt(outcome: Outcome, now: EpochMs): EpochMs {
  if (outcome.kind === 'notSent') return outcome.retryAt;
  const listLags = outcome.kind === 'deletionAccepted' && !outcome.existed;
  const needsLaterLook =
    ['failed', 'deletionRefused', 'present', 'retagged'].includes(outcome.kind) || listLags;
  return needsLaterLook ? plus(now, RETRY_AFTER) : now;
}

function executeOne(execute: Executors<Outcome>, step: ActiveStep): Promise<Outcome> {
  switch (step.kind) {
    case 'createNode':
      return execute.createNode(step);
    case 'deleteNode':
      return execute.deleteNode(step);
    case 'checkNode':
      return execute.checkNode(step);
    case 'retagNode':
      return execute.retagNode(step);
    case 'removeTags':
      return execute.removeTags(step);
  }
}

function executors(deps: StepDeps, record: LiveRecord, by: EpochMs): Executors<Outcome> {
  const { clock, linode, log } = deps;
  const own = [ownershipTag(record.stage), clusterTag(record.id)];
  const missingIn = ({ tags }: Linode) => own.filter((tag) => !tags.includes(tag));
  /** Whether the Linode is a node's: it has the ownership tag, or is known to have lost it. */
  const isNode = (index: number, found: Linode) => {
    const node = record.nodes[index];
    const isKnown = node !== undefined && isKnownWithoutTag(node, found);
    return isKnown || found.tags.includes(ownershipTag(record.stage));
  };
  const untagged = (index: number, found: Linode, isTakenOver: boolean): Outcome => ({
    kind: 'untagged',
    index,
    linode: found,
    isTakenOver,
  });
  // While the cluster is being destroyed, removing tags may take all the time. Before, the teardown
  // may be near.
  const tagsBy = () =>
    record.phase === 'deleting' ? by : earliest(by, plus(clock.now(), TAGGING_TIME_MAX));
  const removeTag = (tag: Tag) =>
    linode.deleteTag(tag, tagsBy()).catch((error: unknown) => {
      // A tag left behind costs nothing, and a token without account:read_write can't remove it.
      log.warn('tag left behind', { clusterId: record.id, tag, reason: reasonOf(error) });
    });

  const removeVlan = (vlan: string) =>
    linode.deleteVlan(record.bought.region, vlan, tagsBy()).catch((error: unknown) => {
      // A Linode that was deleted just now may still be in it. The sweeper tries again.
      log.info('VLAN left behind', { clusterId: record.id, vlan, reason: reasonOf(error) });
    });

  /** Puts the tags back by which lists find the Linode. */
  async function putTagsBack(found: Linode): Promise<void> {
    const missing = missingIn(found);
    const isWaiting = record.retagAfter !== undefined && clock.now() < record.retagAfter;
    if (missing.length === 0 || isWaiting || record.phase === 'deleting') return;
    try {
      await linode.setTags(found.id, [...found.tags, ...missing], earliest(by, tagsBy()));
    } catch (error) {
      const details = { clusterId: record.id, linodeId: found.id, reason: reasonOf(error) };
      log.warn('tags not put back', details);
    }
  }

  return {
    async createNode(step) {
      const notAfter = plus(step.sentAt, CREATE_WINDOW);
      const request = await createRequest(deps, record, step).catch(reasonOf);
      if (typeof request === 'string') {
        const retryAt = plus(clock.now(), RETRY_AFTER);
        log.warn('create not sent', { clusterId: record.id, index: step.index, reason: request });
        return { kind: 'notSent', index: step.index, reason: request, retryAt };
      }
      const outcome = await linode.create(request, { notAfter, by });
      switch (outcome.kind) {
        case 'created':
          return { kind: 'created', index: step.index, linode: outcome.linode };
        case 'refused':
          return { kind: 'refused', index: step.index, reason: outcome.reason };
        case 'notSent':
          return { ...outcome, index: step.index };
        case 'unknown':
          return { kind: 'failed', index: step.index, reason: outcome.reason };
      }
    },
    async deleteNode({ index, linodeId, seen, unlisted = false, othersTagged = false }) {
      let foundById = {};
      if (!seen && index !== null) {
        // If the Linode can't be read, it is deleted: when last seen, it was this deployment's own.
        const checkBy = earliest(by, plus(clock.now(), CHECK_TIME_MAX));
        const found = await linode.get(linodeId, checkBy).catch(() => 'unreadable' as const);
        if (found === 'notFound') {
          return { kind: 'deletionAccepted', index, linodeId, existed: false };
        }
        if (found !== 'unreadable') {
          if (!isNode(index, found)) return untagged(index, found, othersTagged);
          if (unlisted) foundById = { unlisted: true };
        }
      }
      const existed = (await linode.delete(linodeId, by)) === 'deleted';
      log.info('node destroyed', { clusterId: record.id, index, linodeId, existed });
      return { kind: 'deletionAccepted', index, linodeId, existed, ...foundById };
    },
    async checkNode({ index, linodeId, othersTagged = false }) {
      const found = await linode.get(linodeId, by);
      if (found === 'notFound') return { kind: 'vanished', index };
      if (!isNode(index, found)) return untagged(index, found, othersTagged);
      await putTagsBack(found);
      // As it was found: only then do its tags say what became of the tags of the other nodes.
      return { kind: 'present', index, linode: found };
    },
    async retagNode({ index, linodeId, reap }) {
      const retagBy = earliest(by, plus(clock.now(), TAGGING_TIME_MAX));
      const found = await linode.get(linodeId, retagBy);
      // The next pass finds out what became of the node.
      if (found === 'notFound') return { kind: 'retagged' };
      if (!isNode(index, found)) return untagged(index, found, false);
      try {
        const tags = withReapTag([...found.tags, ...missingIn(found)], reap);
        const tagged = await linode.setTags(linodeId, tags, retagBy);
        // Without this error, every pass would repeat the call to a server that ignores it or drops
        // the tag.
        if (tagged !== 'notFound' && tagged.tags.includes(reap)) return { kind: 'retagged' };
        throw new Error(tagged === 'notFound' ? 'not found' : 'answered without the tag');
      } catch (error) {
        const details = { clusterId: record.id, linodeId, reap, reason: reasonOf(error) };
        log.warn('reap tag not moved', details);
        return { kind: 'tagsRefused', until: plus(clock.now(), RETAG_AFTER) };
      }
    },
    async removeTags({ own, shared, vlan }) {
      await Promise.all([...own.map(removeTag), ...(vlan === undefined ? [] : [removeVlan(vlan)])]);
      for (const tag of shared) {
        const bearers = await linode.listByTag(tag, tagsBy()).catch(() => null);
        if (bearers?.length === 0) await removeTag(tag);
      }
      return { kind: 'tagsRemoved', shared };
    },
  };
}

type CreateStep = Extract<Step, { kind: 'createNode' }>;

async function createRequest(
  deps: StepDeps,
  record: LiveRecord,
  step: CreateStep,
): Promise<CreateRequest> {
  const { bought, spec } = record;
  const needsKey = isRoom(record) || !hasKeys(spec);
  const key = needsKey ? await deps.secrets.passwordKey() : null;
  return {
    label: step.label,
    type: bought.type,
    region: bought.region,
    image: bought.image,
    tags: step.tags,
    rootPassword: key === null || hasKeys(spec) ? null : rootPassword(key, step.label),
    authorizedKeys: spec.authorizedKeys,
    authorizedUsers: spec.authorizedUsers,
    userData: isRoom(record)
      ? roomUserData(deps.publicUrl(), record, step, key)
      : plainUserData(spec),
    interfaces: bought.interfaces ?? 'legacy_config',
    vlan: vlanAddressOf(record.network, step.index),
  };
}

/** A create that is sent again names the same address, so that an earlier one can't differ. */
const vlanAddressOf = (network: RoomNetwork | undefined, index: number): VlanAddress | null =>
  network === undefined
    ? null
    : { label: network.vlan, address: addressInCidr(network.subnet, index) };

/** AppError `misconfigured` if the key is gone that was there at the launch. */
function roomUserData(
  publicUrl: string | null,
  record: LiveRecord,
  { index, tags }: CreateStep,
  key: string | null,
): string {
  if (key === null) {
    throw new AppError(
      'misconfigured',
      "The secret has lost its passwordKey, from which a cluster's keys are derived: put it back.",
    );
  }
  const { id, spec, network, agent, createdAt } = record;
  // To the minute, as in the tag. The agent's first call brings the exact time.
  const teardownAt = reapTimeOfTags(tags);
  const canCall = agent === true && publicUrl !== null && teardownAt !== null;
  return nodeUserData(
    {
      id,
      spec,
      subnet: network?.subnet ?? null,
      agent: canCall ? { publicUrl, expiresAt: expiryFrom(createdAt), teardownAt } : null,
      slice: record.limited === true ? sliceOf(record) : null,
      key,
    },
    index,
  );
}
