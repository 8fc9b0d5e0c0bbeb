import { describe, expect, it } from 'vitest';
import { DEFAULTS, SETTINGS, type SettingName } from '../../../ops/settings.ts';
import { changeLines, changesOf, settingsIn } from '../../../ops/settings-change.ts';

const change = (name: SettingName, from?: string, to?: string) =>
  changesOf({ ...DEFAULTS, [name]: from }, { ...DEFAULTS, [name]: to });

describe('a change of a setting', () => {
  it.each<[SettingName, string, string | undefined]>([
    ['MAX_NODES', '50', '100'],
    ['MAX_NODES', '99', '100'],
    ['MAX_BUDGET_USD', '9.50', '100'],
    ['MAX_OPEN_BUDGET_USD', '200', '1000'],
    ['MAX_OPEN_BUDGET_USD', '200', 'none'],
    ['MAX_OPEN_BUDGET_PER_OWNER_USD', '50', 'none'],
    ['MAX_DAILY_SPEND_PER_OWNER_USD', '2', 'none'],
    ['MAX_WEEKLY_SPEND_PER_OWNER_USD', '2', '10'],
    ['MAX_MONTHLY_SPEND_PER_OWNER_USD', '50', '50.000001'],
    ['MAX_HOURLY_USD', '3', '4'],
    ['MONTH_END_HOUR', 'bothMonths', 'startMonth'],
    ['MAX_MONTHLY_SPEND_PER_OWNER_USD', '50', undefined],
    ['SAFETY_MARGIN_SECONDS', '240', '180'],
    ['SAFETY_MARGIN_SECONDS', '1000', '180'],
    ['SAFETY_MARGIN_SECONDS', '240', undefined],
    ['ALARM_EMAIL', 'ann@example.com', ''],
    ['NOTICE_EMAIL', 'ann@example.com', ''],
    ['NOTICE_WEBHOOK_URL', 'https://a.example', undefined],
    ['AWS_BUDGET_USD', '5', 'none'],
    ['AWS_BUDGET_USD', '5', '10'],
    ['KEEP_TABLE', 'true', 'false'],
    ['MORE_ALARMS', 'true', 'false'],
    ['RESERVED_CONCURRENCY', 'true', undefined],
    ['LINODE_API_URL', 'https://api.linode.com/v4', 'http://127.0.0.1:9000/v4'],
    ['LINODE_API_URL', 'http://127.0.0.1:9000/v4', 'https://api.linode.com/v4'],
  ])('of %s from %j to %j loosens it', (name, from, to) => {
    expect(change(name, from, to)).toEqual([{ name, from, to, isLoosened: true }]);
  });

  it.each<[SettingName, string | undefined, string]>([
    ['MAX_NODES', '100', '50'],
    ['MAX_NODES', '100', '99'],
    ['MAX_OPEN_BUDGET_USD', 'none', '1000'],
    ['MAX_OPEN_BUDGET_USD', '1000', '1000.00'],
    ['MAX_OPEN_BUDGET_USD', undefined, '1000'],
    ['SAFETY_MARGIN_SECONDS', '180', '1000'],
    ['SAFETY_MARGIN_SECONDS', undefined, '180'],
    ['PROVISION_MINUTES', '20', '45'],
    ['MONTH_END_HOUR', 'startMonth', 'bothMonths'],
    ['ALARM_EMAIL', 'ann@example.com', 'bob@example.com'],
    ['ALARM_EMAIL', '', 'ann@example.com'],
    ['AWS_BUDGET_USD', 'none', '5'],
    ['KEEP_TABLE', 'false', 'true'],
    ['MORE_ALARMS', 'false', 'true'],
    ['DASHBOARD', 'true', 'false'],
    ['NIGHTLY', 'false', 'true'],
    ['CORS_ORIGINS', '', 'https://a.example'],
    ['PUBLIC_URL', 'https://a.example', ''],
    ['LINODE_API_URL', undefined, 'https://api.linode.com/v4'],
  ])('of %s from %j to %j does not loosen it', (name, from, to) => {
    expect(change(name, from, to)).toEqual([{ name, from, to, isLoosened: false }]);
  });

  it.each(SETTINGS)('is none where %s stays as it is', (name) => {
    expect(change(name, 'same', 'same')).toEqual([]);
  });

  it('is shown with both values, in columns', () => {
    const changes = [
      ...change('ALARM_EMAIL', 'ann@example.com', ''),
      ...change('MAX_OPEN_BUDGET_USD', undefined, '7'),
    ];
    expect(changeLines(changes)).toEqual([
      '  ALARM_EMAIL          ann@example.com → (none)',
      '  MAX_OPEN_BUDGET_USD  (no such setting) → 7',
    ]);
  });
});

it('a template that has no functions yet has no settings', () => {
  const bucket = { Resources: { ServerlessDeploymentBucket: { DeletionPolicy: 'Retain' } } };
  expect([settingsIn({}), settingsIn(bucket)]).toEqual([{}, {}]);
});
