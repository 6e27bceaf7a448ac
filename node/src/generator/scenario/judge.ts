import { compileRegex } from '../../plan/expressions.ts';
import type { Assertion, Step } from '../../plan/plan.ts';
import { parseTemplate } from '../../plan/template.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { ErrorCategory } from '../../results/measurements.ts';
import type { ResponseParser } from '../http/parser.ts';
import { compileJsonPath, notOne, textOf } from './json-path.ts';
import type { Variables } from './variables.ts';

/** What extractions and assertions see of one answer; body and JSON are made when the first of them asks. */
export class AnswerView {
  readonly answer: ResponseParser;
  readonly responseMs: number;
  readonly variables: Variables;
  #body: string | null = null;
  #json: { readonly document: unknown } | null = null;

  constructor(answer: ResponseParser, responseMs: number, variables: Variables) {
    this.answer = answer;
    this.responseMs = responseMs;
    this.variables = variables;
  }

  get body(): string {
    return (this.#body ??= this.answer.bodyText());
  }

  /** Undefined when the body is not JSON or went beyond the bound of what is kept. */
  get json(): unknown {
    return (this.#json ??= { document: parseJson(this.body) }).document;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is an answer of the target like any other: the extraction or assertion that wanted it fails and is counted.
    return undefined;
  }
}

type Check = (view: AnswerView) => boolean;

/** The assertions of a step, compiled, and the rule of what counts as a success. */
export class Judge {
  readonly needsBody: boolean;
  readonly needsHeaders: boolean;
  readonly #checks: readonly Check[];
  readonly #expectedStatuses: readonly number[];

  constructor(step: Step) {
    const kinds = new Set(step.assertions.map(({ type }) => type));
    this.needsBody = kinds.has('jsonPath') || kinds.has('bodyContains') || kinds.has('bodyMatches');
    this.needsHeaders = kinds.has('headerExists');
    this.#checks = step.assertions.map(compileCheck);
    this.#expectedStatuses = step.assertions.flatMap((each) => (each.type === 'statusCode' ? [each.expected] : []));
  }

  get assertions(): number {
    return this.#checks.length;
  }

  /** How many assertions failed. */
  failures(view: AnswerView): number {
    let failed = 0;
    for (const check of this.#checks) if (!check(view)) failed++;
    return failed;
  }

  /**
   * Why the step failed, or null. A status is a failure from 400 on, unless a statusCode assertion names it: then it is the
   * expected one (the Rust tool cannot expect a 404). The answer's own failure comes before the assertions'.
   */
  verdict(status: number, failedAssertions: number): ErrorCategory | null {
    if (status >= 400 && !this.#expectedStatuses.includes(status))
      return status < 500 ? 'client_error' : 'server_error';
    return failedAssertions > 0 ? 'assertion_failed' : null;
  }
}

function compileCheck(assertion: Assertion): Check {
  switch (assertion.type) {
    case 'statusCode':
      return ({ answer }) => answer.status === assertion.expected;
    case 'responseTime':
      return ({ responseMs }) => responseMs <= assertion.maxMs;
    case 'bodyContains':
      return ({ body }) => body.includes(assertion.text);
    case 'headerExists': {
      const name = assertion.header.toLowerCase();
      return ({ answer }) => answer.hasHeader(name);
    }
    case 'bodyMatches': {
      const regex = compileRegex(assertion.regex);
      if (!regex.ok) throw new TuttiError('PLAN_INVALID', regex.message);
      return ({ body }) => regex.value.test(body);
    }
    case 'jsonPath':
      return compileJsonCheck(assertion.path, assertion.expected);
  }
}

function compileJsonCheck(path: string, expected: string | null): Check {
  const find = compileJsonPath(path);
  const template = expected === null ? null : parseTemplate(expected);
  return ({ json, variables }) => {
    const found = json === undefined ? notOne : find(json);
    if (found === notOne) return false;
    return template === null || textOf(found) === variables.render(template);
  };
}
