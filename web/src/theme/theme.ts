import { createTheme, InputWrapper, Modal, Tooltip } from "@mantine/core";

/** Colours and sizes are CSS variables in theme.css; this only says which of them the components take. */
export const theme = createTheme({
  primaryColor: "teal",
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    InputWrapper: InputWrapper.extend({ defaultProps: { inputWrapperOrder: ["label", "input", "error", "description"] } }),
    // Locking the scroll would inject a <style>, which the page's policy forbids.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 80 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { withArrow: true, openDelay: 300 } }),
  },
});
