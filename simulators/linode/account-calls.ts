import { notFound } from './api-error.ts';
import { billOf } from './bill.ts';
import type { Call } from './call.ts';
import { pageOf } from './collection.ts';
import { wireEvent } from './events.ts';
import { pythonJson, type Row, rowJson, wireTime } from './json.ts';

const profile: Row = {
  uid: 1,
  username: 'simulator',
  email: 'simulator@example.com',
  timezone: 'UTC',
  email_notifications: true,
  referrals: { code: '', url: '', total: 0, completed: 0, pending: 0, credit: 0 },
  ip_whitelist_enabled: false,
  lish_auth_method: 'password_keys',
  authorized_keys: [],
  two_factor_auth: false,
  restricted: false,
  authentication_type: 'password',
  verified_phone_number: null,
};

export const showProfile = (): string => rowJson(profile);

const accountCapabilities = ['Linodes', 'Cloud Firewall', 'Vlans', 'Disk Encryption'];

export function showAccount({ account, now }: Call): string {
  const { totalUsd } = billOf(account.allInstances(), now);
  const empty = { first_name: '', last_name: '', address_1: '', address_2: '', city: '' };
  return pythonJson({
    company: 'Simulator',
    email: 'simulator@example.com',
    ...empty,
    state: '',
    zip: '',
    country: 'US',
    phone: '',
    balance: 0,
    tax_id: '',
    billing_source: 'linode',
    credit_card: { last_four: null, expiry: null },
    balance_uninvoiced: Math.round(totalUsd * 100) / 100,
    active_since: wireTime(0),
    capabilities: accountCapabilities,
    active_promotions: [],
    euuid: '00000000-0000-4000-8000000000000000',
  });
}

export function showAccountSettings({ settings }: Call): string {
  return pythonJson({
    managed: settings.managed,
    network_helper: settings.networkHelper,
    longview_subscription: null,
    backups_enabled: settings.backupsForced,
    object_storage: 'disabled',
    interfaces_for_new_linodes: settings.interfacesForNewLinodes,
    maintenance_policy: 'linode/migrate',
  });
}

export function listEvents(call: Call): string {
  const { account, now } = call;
  const fields = ['id', 'action', 'created', 'entity.id', 'entity.type', 'read'];
  return pageOf(call, fields, ({ equals }) => {
    const linodeId = equals['entity.id'];
    const events =
      typeof linodeId === 'number' ? account.eventsOf(linodeId, now) : account.events(now);
    // The real API lists events newest first, and events of the same instant by rising ids.
    return events.sort((a, b) => b.created - a.created).map((event) => wireEvent(event, now));
  });
}

export function showEvent({ account, params: [id = ''], now }: Call): string {
  const event = account.event(Number(id), now);
  if (event === undefined) throw notFound();
  return pythonJson(wireEvent(event, now));
}
