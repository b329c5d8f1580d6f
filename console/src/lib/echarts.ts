// The parts of ECharts in use, loaded as one lazy chunk. Tooltips are drawn on the canvas (`richText`): the page's
// Content-Security-Policy allows no inline style attributes.
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';

use([BarChart, LineChart, GridComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

export { init };
