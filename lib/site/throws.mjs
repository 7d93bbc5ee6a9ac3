/** A plugin of TypeDoc's: what `@throws {RangeError} where …` throws stands in the page, as code before the sentence; TypeDoc by itself leaves it out. */
import { Converter } from "typedoc";

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.on("bootstrapEnd", () => app.options.setValue("preservedTypeAnnotationTags", ["@throws"]));
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const { comment } of Object.values(project.reflections)) {
      for (const tag of comment?.blockTags ?? []) {
        if (tag.tag === "@throws" && tag.typeAnnotation !== undefined) {
          const thrown = tag.typeAnnotation.replace(/^\{|\}$/g, "");
          tag.content.unshift({ kind: "code", text: `\`${thrown}\`` }, { kind: "text", text: " " });
          tag.typeAnnotation = undefined;
        }
      }
    }
  });
}
