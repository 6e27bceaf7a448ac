import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The relative links of a Markdown text at `file` that lead nowhere: no such file, or no such heading in it. */
export function deadLinks(file: string, text: string): readonly string[] {
  const prose = withoutCode(text);
  const targets = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map((match) => match[1]!);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = '', anchor] = target.split('#');
    const at = path === '' ? file : join(dirname(file), path);
    if (path !== '' && !existsSync(at)) return true;
    if (anchor === undefined) return false;
    return statSync(at).isDirectory() || !anchorsOf(path === '' ? text : readFileSync(at, 'utf8')).includes(anchor);
  });
}

/** As GitHub makes them from headings: lower case, punctuation away, blanks to hyphens, numbered where they repeat. */
function anchorsOf(markdown: string): readonly string[] {
  const counts = new Map<string, number>();
  return [...withoutCode(markdown).matchAll(/^#{1,6} +(.+?) *#* *$/gm)].map((match) => {
    const slug = match[1]!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const earlier = counts.get(slug) ?? 0;
    counts.set(slug, earlier + 1);
    return earlier === 0 ? slug : `${slug}-${earlier}`;
  });
}

const withoutCode = (text: string): string => text.replaceAll(/^( *)(```|~~~)[\s\S]*?^\1\2/gm, '');
