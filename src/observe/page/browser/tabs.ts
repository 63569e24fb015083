import { find } from './element.ts';

export type TabName = 'services' | 'trace' | 'dns' | 'problems';

const names: readonly TabName[] = ['services', 'trace', 'dns', 'problems'];

/** The row of tabs (ARIA Authoring Practices, tabs with automatic activation). The result shows one. */
export function setUpTabs(): (name: TabName, focus?: boolean) => void {
  const tabs = names.map((name) => find(`tab-${name}`, HTMLButtonElement));
  const show = (name: TabName, focus = false): void => {
    for (const [index, tab] of tabs.entries()) {
      const selected = names[index] === name;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      find(`panel-${names[index]}`, HTMLElement).hidden = !selected;
      if (selected && focus) tab.focus();
    }
  };
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener('click', () => show(names[index] ?? 'services'));
    tab.addEventListener('keydown', (event) => {
      const last = names.length - 1;
      const targets: Readonly<Record<string, number>> = {
        ArrowRight: index === last ? 0 : index + 1,
        ArrowLeft: index === 0 ? last : index - 1,
        Home: 0,
        End: last,
      };
      const target = targets[event.key];
      if (target === undefined) return;
      event.preventDefault();
      show(names[target] ?? 'services', true);
    });
  }
  return show;
}
