import { describe, expect, it } from 'vitest';
import { kindOf, userDataWarnings, withoutBom } from '../../../../lib/core/room/user-part.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe("kinds of a user's user data", () => {
  it.each([
    ['#!/bin/sh\n', 'script'],
    ['  #!/bin/sh\n', 'script'],
    ['#cloud-config\n', 'part'],
    ['\n#Cloud-Config\n', 'part'],
    ['#cloud-config-archive\n', 'part'],
    ['#cloud-config-jsonp\n', 'part'],
    ['## template: jinja\n#cloud-config\n', 'part'],
    ['#include https://example.com/a\n', 'part'],
    ['#include-once\n', 'part'],
    ['#cloud-boothook\n', 'part'],
    ['#part-handler\n', 'part'],
    ['MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n', 'mime'],
    ['Content-Type: multipart/mixed; boundary=a\nmime-version: 1.0\n', 'mime'],
    [`Content-Type: text/plain\nX: ${'a'.repeat(4_100)}\nMIME-Version: 1.0\n`, 'unknown'],
    ['#!/bin/sh\n# MIME-Version: 1.0\n', 'script'],
    ['packages: [jq]\n', 'unknown'],
    ['# cloud-config\n', 'unknown'],
    ['', 'unknown'],
  ])('%j is %s', (text, kind) => {
    expect(kindOf(text)).toBe(kind);
  });
});

describe('warnings about user data', () => {
  it.each([
    '#!/bin/sh\necho hi\n',
    '#cloud-config\npackages: [jq]\n',
    'MIME-Version: 1.0\nContent-Type: text/cloud-config\n\n#cloud-config\n',
  ])('has none about %j', (text) => {
    expect(userDataWarnings(bytes(text), 'userData')).toEqual([]);
  });

  it.each([
    ['no header', 'packages: [jq]\n', /^cloud-init ignores userData, since its first line/],
    ['pasted base64', `${btoa('#!/bin/sh\necho hello world')}\n`, /base64.*as userDataBase64$/],
    ['base64 in lines', `${'QUFB'.repeat(15)}\n${'QUFB'.repeat(15)}\n`, /base64/],
    ['blanks before a script', '\n#!/bin/sh\n', /blanks before its #!/],
    ['the line ends of Windows', '#!/bin/sh\r\necho hi\r\n', /line ends of Windows/],
    ['a byte order mark', '\ufeff#!/bin/sh\n', /starts with a byte order mark/],
  ])('tells of %s', (_, text, warning) => {
    expect(userDataWarnings(bytes(text), 'userData')).toEqual([expect.stringMatching(warning)]);
  });

  it('tells of base64 that was encoded twice', () => {
    const twice = bytes(btoa('#!/bin/sh\necho hello world'));
    const [warning] = userDataWarnings(twice, 'userDataBase64');
    expect(warning).toMatch(/encode it once, not twice$/);
  });

  it('tells of bytes that are no text, and of gzip that is broken', () => {
    expect(userDataWarnings(new Uint8Array([0xff, 0xfe, 0x23]), 'userDataBase64')).toEqual([
      'userDataBase64 is neither UTF-8 nor gzip: cloud-init ignores it',
    ]);
    expect(userDataWarnings(null, 'userDataBase64')).toEqual([
      "userDataBase64 starts like gzip, but can't be unpacked: cloud-init ignores it",
    ]);
  });

  it('takes off a byte order mark and nothing else', () => {
    expect(withoutBom(bytes('\ufeffa'))).toEqual(bytes('a'));
    expect(withoutBom(bytes('\ufeff'))).toEqual(bytes(''));
    expect(withoutBom(bytes('ab'))).toEqual(bytes('ab'));
  });
});
