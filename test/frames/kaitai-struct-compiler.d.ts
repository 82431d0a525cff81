declare module 'kaitai-struct-compiler' {
  /** `ksy` is the parsed YAML; gives the generated files by name. */
  function compile(
    language: string,
    ksy: unknown,
    importer: unknown,
    debug: boolean,
  ): Promise<Record<string, string>>;
  const compiler: { compile: typeof compile };
  export default compiler;
}
