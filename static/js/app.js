// @ts-check
/** Everything that every page has. A page's own behaviors are modules in its `scripts` block. */

import { mount } from "./mount.js";
import "./copy.js";
import "./dialog.js";
import "./hotkeys.js";
import "./menu.js";
import "./palette.js";
import "./requests.js";
import "./submit.js";
import "./tabs.js";
import "./theme.js";
import "./toast.js";

mount(document.documentElement);
