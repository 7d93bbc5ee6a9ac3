import DefaultTheme from "vitepress/theme-without-fonts";
import "katex.css";
import "./site.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ router }) {
    // As in the file, also when the reader comes to it from another page; see `transformHtml`.
    router.onAfterRouteChange = () => {
      globalThis.document?.querySelector(".VPContent.is-home")?.setAttribute("role", "main");
    };
  },
};
