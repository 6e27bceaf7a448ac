import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Field, ObjectShape, Shape } from './shape.ts';

/** The declarations of a package, read by the TypeScript compiler's own parser. */
export class Declarations {
  readonly #folder: string;
  /** By name, "compute.InstanceBootDisk"; read when first asked for, since gcp's are 6 MB. */
  #nested: ReadonlyMap<string, ts.InterfaceDeclaration> | null = null;

  /** `folder` is that of the package, such as node_modules/@pulumi/gcp. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What the resource of that module takes: "compute/instance" declares `InstanceArgs`. Throws for what is not there. */
  argsOf(module: string): ObjectShape {
    const source = this.#parse(`${module}.d.ts`);
    const found = source.statements.filter(ts.isInterfaceDeclaration).filter(({ name }) => name.text.endsWith('Args'));
    if (found.length !== 1) throw new Error(`${module}.d.ts declares ${found.length} interfaces of arguments`);
    return this.#object(found[0]!, source, 0);
  }

  #object(declaration: ts.InterfaceDeclaration, source: ts.SourceFile, depth: number): ObjectShape {
    // Schemas of CRDs hold themselves; nothing of ours does.
    if (depth > 12) throw new Error(`${declaration.name.text} is too deep`);
    const fields: Record<string, Field> = {};
    for (const member of declaration.members) {
      if (!ts.isPropertySignature(member) || member.type === undefined)
        throw new Error(`${member.getText(source)}: what is that?`);
      const name = member.name.getText(source);
      fields[name] = {
        isRequired: member.questionToken === undefined,
        shape: this.#shape(member.type, source, depth + 1),
      };
    }
    return { kind: 'object', fields };
  }

  #shape(type: ts.TypeNode, source: ts.SourceFile, depth: number): Shape {
    if (type.kind === ts.SyntaxKind.StringKeyword) return { kind: 'string' };
    if (type.kind === ts.SyntaxKind.NumberKeyword) return { kind: 'number' };
    if (type.kind === ts.SyntaxKind.BooleanKeyword) return { kind: 'boolean' };
    if (ts.isArrayTypeNode(type)) return { kind: 'list', of: this.#shape(type.elementType, source, depth) };
    if (ts.isUnionTypeNode(type)) return this.#union(type, source, depth);
    if (ts.isTypeLiteralNode(type)) {
      const [index] = type.members.filter(ts.isIndexSignatureDeclaration);
      if (index !== undefined) return { kind: 'map', of: this.#shape(index.type, source, depth) };
    }
    if (ts.isTypeReferenceNode(type)) return this.#reference(type, source, depth);
    throw new Error(`a type that the stand-in does not know: ${type.getText(source)}`);
  }

  #union(type: ts.UnionTypeNode, source: ts.SourceFile, depth: number): Shape {
    const members = type.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
    // An archive may stand where an asset may; none of ours is one.
    const [first, second] = members.map((member) => member.getText(source));
    if (members.length === 1) return this.#shape(members[0]!, source, depth);
    if (members.length === 2 && first === 'pulumi.asset.Asset' && second === 'pulumi.asset.Archive')
      return { kind: 'asset' };
    throw new Error(`a union that the stand-in does not know: ${type.getText(source)}`);
  }

  #reference(type: ts.TypeReferenceNode, source: ts.SourceFile, depth: number): Shape {
    const name = type.typeName.getText(source);
    if (name === 'pulumi.Input') return this.#shape(type.typeArguments![0]!, source, depth);
    if (name.startsWith('inputs.')) {
      const declaration = this.#nestedTypes().get(name.slice('inputs.'.length));
      if (declaration !== undefined) return this.#object(declaration, declaration.getSourceFile(), depth);
    }
    throw new Error(`a type that the stand-in does not know: ${name}`);
  }

  #nestedTypes(): ReadonlyMap<string, ts.InterfaceDeclaration> {
    if (this.#nested !== null) return this.#nested;
    const found = new Map<string, ts.InterfaceDeclaration>();
    const visit = (prefix: string, statements: readonly ts.Statement[]): void => {
      for (const statement of statements) {
        if (ts.isInterfaceDeclaration(statement)) found.set(`${prefix}${statement.name.text}`, statement);
        if (ts.isModuleDeclaration(statement) && statement.body !== undefined && ts.isModuleBlock(statement.body))
          visit(`${prefix}${statement.name.text}.`, statement.body.statements);
      }
    };
    visit('', this.#parse('types/input.d.ts').statements);
    return (this.#nested = found);
  }

  #parse(path: string): ts.SourceFile {
    const text = readFileSync(join(this.#folder, path), 'utf8');
    return ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  }
}
